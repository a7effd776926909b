// What is typed is kept on the server while it is typed and when the page is left, and on this device
// when the server cannot be reached or the person has been signed out. It is thrown away when the form
// is sent.
const box = document.querySelector("[data-note-draft]");
const form = box?.querySelector("form");
const state = box?.querySelector("[data-note-state]");
const PAUSE = 1500;
const MOST_KEPT_ALIVE = 60_000;
const KEPT_FOR = 7 * 24 * 60 * 60 * 1000;
const NOT_KEPT = new Set(["csrf_token", "once_key", "submission_key", "photos", "author"]);
// Several people may share a phone: each finds their own notes only.
const nameOf = (author, key) => `shishi-note:${author}:${key}`;

if (box && form) {
  const name = nameOf(box.dataset.author, box.dataset.noteDraft);
  let timer = 0;

  const fields = () => [...new FormData(form)].filter(([key, value]) => !NOT_KEPT.has(key) && typeof value === "string");
  const say = (words) => { if (state) state.textContent = words; };

  const keepHere = (content) => {
    try {
      localStorage.setItem(name, JSON.stringify({ at: Date.now(), content }));
    } catch {
      // Full or forbidden: the server's copy is the only one.
    }
  };
  const forgetHere = () => {
    try {
      localStorage.removeItem(name);
    } catch {
      // Nothing was kept.
    }
  };

  const keep = async () => {
    const content = JSON.stringify(fields());
    const body = new URLSearchParams({ csrf_token: box.dataset.token, form_key: box.dataset.noteDraft, content });
    try {
      // Sent to its end although the page is left, as far as browsers promise that.
      const keepalive = body.toString().length < MOST_KEPT_ALIVE;
      const answer = await fetch(box.dataset.url, { method: "POST", body, redirect: "manual", keepalive });
      if (answer.status !== 204) throw new Error(String(answer.status));
      forgetHere();
      say(box.dataset.kept);
    } catch {
      keepHere(content);
      say(box.dataset.notKept);
    }
  };

  const putBack = (pairs) => {
    const values = new Map();
    for (const [key, value] of pairs) values.set(key, [...(values.get(key) || []), value]);
    for (const field of form.elements) {
      if (!field.name || NOT_KEPT.has(field.name) || !values.has(field.name)) continue;
      if (field.type === "radio" || field.type === "checkbox") field.checked = values.get(field.name).includes(field.value);
      else field.value = values.get(field.name)[0];
    }
  };

  try {
    const kept = JSON.parse(localStorage.getItem(name));
    if (kept && Date.now() - kept.at < KEPT_FOR) {
      putBack(JSON.parse(kept.content));
      say(box.dataset.restored);
      keep();
    }
  } catch {
    forgetHere();
  }

  const due = () => {
    const waits = timer !== 0;
    clearTimeout(timer);
    timer = 0;
    return waits;
  };
  form.addEventListener("input", () => {
    timer ||= setTimeout(() => due() && keep(), PAUSE); // who types on and on is kept meanwhile
  });
  window.addEventListener("pagehide", () => {
    if (!due()) return;
    if (navigator.onLine) keep();
    else keepHere(JSON.stringify(fields()));
  });
  // Before js/sign_out.js hands over what stands here. What is thrown away must not be kept as the page is left.
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.signOut && due()) keepHere(JSON.stringify(fields()));
    if (event.target.elements.namedItem("discard")) {
      due();
      forgetHere();
    }
  }, { capture: true });
  form.addEventListener("submit", () => {
    due();
    // Until it is known to be taken: the answer may be a page that asks to sign in again.
    keepHere(JSON.stringify(fields()));
  });
}

// Where the visit has been recorded, the copy on this device has done its work.
const recorded = document.querySelector("[data-note-recorded]");
if (recorded) {
  try {
    localStorage.removeItem(nameOf(recorded.dataset.author, recorded.dataset.noteRecorded));
  } catch {
    // Nothing was kept.
  }
}
