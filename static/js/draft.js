// What is typed survives a closed tab: it is kept on this device for a day, offered on the next
// visit, and removed when it was sent or discarded. Photos are kept by the server, not here.
const NAME = "shishi-draft";
const KEPT = 24 * 60 * 60 * 1000;
const NOT_KEPT = new Set(["csrf_token", "once_key", "author", "category_id", "photos"]);
// Several people may share a device: each is offered their own, a visitor those of visitors.
const author = document.querySelector("[data-sign-out]")?.dataset.signOut ?? "";

const MOST = 5;

const isMine = (draft) => (draft.author ?? "") === author;

// All that is kept, of everybody, the newest first.
function everything() {
  try {
    const drafts = JSON.parse(localStorage.getItem(NAME));
    if (drafts?.key) return [drafts]; // as an earlier version kept one
    if (Array.isArray(drafts)) return drafts.filter((draft) => draft.key && Date.now() - draft.at < KEPT);
  } catch {
    // A browser that keeps nothing, or something that is not ours: there is no draft.
  }
  return [];
}

function store(drafts) {
  try {
    if (drafts.length) localStorage.setItem(NAME, JSON.stringify(drafts.slice(0, MOST)));
    else localStorage.removeItem(NAME);
  } catch {
    // Full, or forbidden: the form works without.
  }
}

const load = () => everything().filter(isMine);
const keep = (draft) => store([{ ...draft, author }, ...everything().filter((other) => other.key !== draft.key)]);
const forget = (goes) => store(everything().filter((draft) => !goes(draft)));

function fieldsOf(form) {
  return [...form.elements].filter((field) => field.name && !NOT_KEPT.has(field.name) && !["submit", "file", "button"].includes(field.type));
}

function valuesOf(form) {
  const values = {};
  for (const field of fieldsOf(form)) {
    if (field.type !== "radio" && field.type !== "checkbox") values[field.name] = field.value;
    else if (field.checked) values[field.name] = field.value;
  }
  return values;
}

function fill(form, values) {
  for (const field of fieldsOf(form)) {
    const value = values[field.name];
    if (value === undefined) continue;
    if (field.type === "radio" || field.type === "checkbox") field.checked = field.value === value;
    else field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

const form = document.querySelector("form[data-draft]");
const offer = document.querySelector("[data-draft-offer]");
const note = document.querySelector("[data-device-note]");
const sent = document.querySelector("[data-draft-sent]");
const checked = document.querySelector("[data-draft-checked]");
let silent = false;
let timer;

forget((draft) => Date.now() - draft.at >= KEPT);
if (sent) forget((draft) => draft.key === sent.dataset.draftSent);
// The server keeps these words under another key: this browser had lost the one that it began with.
if (checked) forget((draft) => draft.key !== checked.dataset.draftChecked && draft.values?.need?.trim() === checked.dataset.draftNeed);

// Takes the words of a draft over into this form, which is another one from now on.
function takeOver(draft) {
  fill(form, draft.values);
  note.hidden = false;
  if (draft.key !== form.dataset.draft) forget((other) => other.key === draft.key);
}

if (form) {
  const words = form.elements.namedItem("need");

  function save() {
    if (silent || !words.value.trim()) return;
    keep({ at: Date.now(), key: form.dataset.draft, url: form.dataset.draftUrl, values: valuesOf(form) });
    note.hidden = false;
  }
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(save, 400);
  });
  form.addEventListener("submit", save);
  window.addEventListener("pagehide", save);
  window.addEventListener("pageshow", () => { silent = false; }); // come back to, or what was to discard it was stopped

  const begun = load().find((draft) => location.hash === `#continue-${draft.key}`);
  if (begun && !words.value) {
    takeOver(begun);
    save();
  }
}

// Offers the newest draft that is not of this form.
let offered = null;

function show() {
  offered = load().find((draft) => draft.values?.need && draft.key !== form?.dataset.draft) ?? null;
  offer.hidden = !offered || Boolean(form?.elements.namedItem("need").value);
  if (offer.hidden) return;
  offer.querySelector("[data-draft-beginning]").textContent = `“${offered.values.need.slice(0, 80)}”`;
  const go = offer.querySelector("[data-draft-continue]");
  // Only an address of ours: what is kept could have been tampered with.
  const address = new URL(offered.url ?? go.href, location.href);
  if (address.origin === location.origin) go.href = `${address.pathname}${address.search}#continue-${offered.key}`;
}

if (offer) {
  show();
  const go = offer.querySelector("[data-draft-continue]");
  go.addEventListener("click", (event) => {
    if (!form) return;
    event.preventDefault();
    if (form.elements.namedItem("need").value.trim()) {
      // What was typed here meanwhile is a request of its own, and stays so.
      location.href = go.href;
      if (go.pathname + go.search === location.pathname + location.search) location.reload();
      return;
    }
    takeOver(offered);
    offer.hidden = true;
    form.elements.namedItem("need").focus();
  });
}

for (const button of document.querySelectorAll("[data-draft-discard]")) {
  button.addEventListener("click", () => {
    const key = button.dataset.draftDiscard || (offer?.contains(button) ? offered?.key : form?.dataset.draft);
    silent = true;
    clearTimeout(timer);
    forget((draft) => draft.key === key);
    if (offer?.contains(button)) show(); // another one may have been begun before
    else if (button.type === "submit") {
      return; // the server keeps it as well: it is thrown away there, and nothing is kept as the page is left
    } else if (note && !note.hidden) {
      form.reset();
      // A page that came back with mistakes was printed with what was typed.
      for (const field of fieldsOf(form)) if (["text", "tel", "email", "textarea"].includes(field.type)) field.value = "";
      note.hidden = true;
      form.scrollIntoView();
      form.elements.namedItem("need").focus();
    }
    silent = false;
  });
}
