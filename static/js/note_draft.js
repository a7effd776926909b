// What is typed is kept on the server while it is typed and when the page is left, and on this device
// when the server cannot be reached or the person has been signed out. Every page counts what it keeps,
// and says what it found when it was opened: the server takes nothing that comes late, or over something
// newer. What stays on this device and does not follow from what the server has is offered, not put in.
const box = document.querySelector("[data-note-draft]");
const form = box?.querySelector("form");
const state = box?.querySelector("[data-note-state]");
const other = document.querySelector("[data-note-other]");
const PAUSE = 1500;
const SLOW = 3000;
const MOST_KEPT_ALIVE = 60_000;
const KEPT_FOR = 7 * 24 * 60 * 60 * 1000;
const CONFLICT = 409;
const NOT_KEPT = new Set(["csrf_token", "once_key", "follows", "submission_key", "photos", "author"]);
// Several people may share a phone: each finds their own notes only.
const prefixOf = (author) => `shishi-note:${author}:`;

function remove(name) {
  try {
    localStorage.removeItem(name);
  } catch {
    // Nothing was kept.
  }
}

// What this device keeps of `author` for that form, the newest first; what is too old goes.
function copiesOf(author, formKey) {
  const found = [];
  try {
    for (const name of Object.keys(localStorage).filter((each) => each.startsWith(prefixOf(author)))) {
      let copy = null;
      try {
        copy = JSON.parse(localStorage.getItem(name));
      } catch {
        // Not ours: it goes.
      }
      if (!copy || !copy.content || Date.now() - copy.at > KEPT_FOR) remove(name);
      else if ((copy.form ?? name.slice(prefixOf(author).length)) === formKey) found.push({ ...copy, name });
    }
  } catch {
    // A browser that keeps nothing.
  }
  return found.sort((one, another) => another.at - one.at);
}

if (box && form) {
  const { author, noteDraft: formKey, page, follows } = box.dataset;
  const name = `${prefixOf(author)}${page}`;
  let timer = 0;
  let number = 0;
  let reached = 0; // the highest number that the server has
  let isSaving = false;
  let isThrownAway = false;

  const fields = () => JSON.stringify([...new FormData(form)].filter(([key, value]) => !NOT_KEPT.has(key) && typeof value === "string"));
  const say = (words) => { if (state) state.textContent = words; };

  const keepHere = (content) => {
    if (isThrownAway) return;
    try {
      localStorage.setItem(name, JSON.stringify({ at: Date.now(), form: formKey, page, number: number + 1, follows, content }));
    } catch {
      // Full or forbidden: the server's copy is the only one.
    }
  };

  // What was kept here since stays.
  const forgetHere = (upTo) => {
    try {
      const kept = JSON.parse(localStorage.getItem(name));
      if (kept && kept.number <= upTo) localStorage.removeItem(name);
    } catch {
      // Nothing was kept.
    }
  };

  const save = async () => {
    const own = (number += 1);
    const content = fields();
    const body = new URLSearchParams({ csrf_token: box.dataset.token, form_key: formKey, page, number: own, follows, content });
    const slow = setTimeout(() => keepHere(fields()), SLOW); // the line may be dead
    try {
      // Sent to its end although the page is left, as far as browsers promise that.
      const keepalive = body.toString().length < MOST_KEPT_ALIVE;
      const answer = await fetch(box.dataset.url, { method: "POST", body, redirect: "manual", keepalive });
      if (answer.status !== 204) throw Object.assign(new Error(String(answer.status)), { status: answer.status });
      reached = Math.max(reached, own);
      clearTimeout(slow);
      if (own < number) return; // a later one is on its way
      forgetHere(content === fields() ? own + 1 : own);
      say(box.dataset.kept);
    } catch (error) {
      clearTimeout(slow);
      if (own <= reached || isThrownAway) return; // what was kept later has arrived
      keepHere(fields());
      say(error.status === CONFLICT ? box.dataset.elsewhere : box.dataset.notKept);
    }
  };

  // One at a time while one types; when the page is left, at once.
  const keep = async () => {
    if (isSaving) {
      due();
      timer = setTimeout(() => due() && keep(), PAUSE);
      return;
    }
    isSaving = true;
    await save();
    isSaving = false;
  };

  const putBack = (content) => {
    const values = new Map();
    for (const [key, value] of JSON.parse(content)) values.set(key, [...(values.get(key) || []), value]);
    for (const field of form.elements) {
      if (!field.name || NOT_KEPT.has(field.name) || !values.has(field.name)) continue;
      if (field.type === "radio" || field.type === "checkbox") field.checked = values.get(field.name).includes(field.value);
      else field.value = values.get(field.name)[0];
    }
  };

  const due = () => {
    const waits = timer !== 0;
    clearTimeout(timer);
    timer = 0;
    return waits;
  };

  const take = (copy) => {
    try {
      putBack(copy.content);
    } catch {
      remove(copy.name); // not ours
      return;
    }
    keepHere(fields()); // under the name of this page, before that of the other goes
    remove(copy.name);
    say(box.dataset.restored);
    keep();
  };

  // Puts a copy into the form, and offers what stood there in its turn.
  let swaps = 0;
  const swap = (copy, rest) => {
    const before = { at: Date.now(), form: formKey, page: `${page}~${(swaps += 1)}`, number: 0, follows: "-", content: fields() };
    before.name = `${prefixOf(author)}${before.page}`;
    const isOther = before.content !== copy.content;
    if (isOther) {
      try {
        localStorage.setItem(before.name, JSON.stringify(before));
      } catch {
        // Full or forbidden: this page alone offers it.
      }
    }
    take(copy);
    offer(isOther ? [before, ...rest] : rest);
  };

  // Offers what does not follow from what the server has, one after the other.
  const offer = (copies) => {
    const [copy, ...rest] = copies;
    if (!other) return;
    other.hidden = !copy;
    if (!copy) return;
    other.querySelector("[data-note-other-when]").textContent = new Date(copy.at).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
    other.querySelector("[data-note-other-take]").onclick = () => swap(copy, rest);
    other.querySelector("[data-note-other-drop]").onclick = () => { remove(copy.name); offer(rest); };
  };

  const [pageThere, numberThere, stateThere] = (follows || "::").split(":");
  const apart = [];
  let isTaken = false;
  for (const copy of copiesOf(author, formKey)) {
    const isOfThatPage = Boolean(copy.page) && copy.page === pageThere;
    if ("answer" in box.dataset && isOfThatPage && !isTaken) {
      isTaken = true; // it was sent just now, and this is what is wrong with it
      take(copy);
    } else if (isOfThatPage && (stateThere === "over" || copy.number <= Number(numberThere))) {
      remove(copy.name); // sent, thrown away, or there already
    } else if (!isTaken && (isOfThatPage || (copy.follows ?? "") === follows)) {
      isTaken = true;
      take(copy);
    } else {
      apart.push(copy);
    }
  }
  offer(apart);

  form.addEventListener("input", () => {
    timer ||= setTimeout(() => due() && keep(), PAUSE); // who types on and on is kept meanwhile
  });
  window.addEventListener("pageshow", () => { isThrownAway = false; });
  window.addEventListener("pagehide", () => {
    if (!due() || isThrownAway) return;
    if (navigator.onLine) save();
    else keepHere(fields());
  });
  // Before js/sign_out.js hands over what stands here. What is thrown away must not be kept as the page is left.
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.signOut && due()) keepHere(fields());
    if (event.target.elements.namedItem("discard")) {
      due();
      isThrownAway = true;
      remove(name);
    }
  }, { capture: true });
  form.addEventListener("submit", () => {
    due();
    // Until it is known to be taken: the answer may be a page that asks to sign in again.
    keepHere(fields());
  });
}

// Where the visit has been recorded, the copy on this device has done its work.
const recorded = document.querySelector("[data-note-recorded]");
if (recorded) remove(`${prefixOf(recorded.dataset.author)}${recorded.dataset.noteRecorded}`);
