// What only this device keeps of somebody's notes (js/note_draft.js) goes to the server before they
// sign out: nothing is lost, and the next person on the same phone has nothing of it. What the server
// does not take, as it has something newer, stays under its author's mark and is offered to them.
const KEPT_FOR = 7 * 24 * 60 * 60 * 1000;

function namesOf(prefix) {
  try {
    return Object.keys(localStorage).filter((name) => name.startsWith(prefix));
  } catch {
    return [];
  }
}

async function handOver(form, prefix, name) {
  let kept = null;
  try {
    kept = JSON.parse(localStorage.getItem(name));
  } catch {
    // Not ours: it goes.
  }
  if (!kept || Date.now() - kept.at > KEPT_FOR) {
    localStorage.removeItem(name);
    return;
  }
  const body = new URLSearchParams({
    csrf_token: form.elements.namedItem("csrf_token").value,
    form_key: kept.form ?? name.slice(prefix.length),
    page: kept.page ?? "",
    number: kept.number ?? 0,
    follows: kept.follows ?? "",
    content: kept.content,
  });
  const answer = await fetch(form.dataset.notesUrl, { method: "POST", body, redirect: "manual" });
  if (answer.status === 204 && JSON.parse(localStorage.getItem(name))?.number === kept.number) localStorage.removeItem(name);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.signOut) return;
  const prefix = `shishi-note:${form.dataset.signOut}:`;
  const names = namesOf(prefix);
  if (!names.length) return;
  event.preventDefault();
  Promise.allSettled(names.map((name) => handOver(form, prefix, name))).then(() => form.submit());
});
