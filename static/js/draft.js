// What is typed survives a closed tab: it is kept on this device for a day, offered on the next
// visit, and removed when it was sent or discarded. Photos are kept by the server, not here.
const NAME = "shishi-draft";
const KEPT = 24 * 60 * 60 * 1000;
const NOT_KEPT = new Set(["csrf_token", "category_id", "photos"]);

function load() {
  try {
    const draft = JSON.parse(localStorage.getItem(NAME));
    if (draft && Date.now() - draft.at < KEPT) return draft;
    localStorage.removeItem(NAME);
  } catch {
    // A browser that keeps nothing, or something that is not ours: there is no draft.
  }
  return null;
}

function keep(draft) {
  try {
    localStorage.setItem(NAME, JSON.stringify(draft));
  } catch {
    // Full, or forbidden: the form works without.
  }
}

function forget() {
  try {
    localStorage.removeItem(NAME);
  } catch {
    // Nothing was kept, then.
  }
}

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
const kept = load();
let silent = false;

if (sent && kept && (!kept.key || kept.key === sent.dataset.draftSent)) forget();

if (form) {
  const words = form.elements.namedItem("need");
  let timer;

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

  if (kept && location.hash === "#continue" && !words.value) {
    fill(form, kept.values);
    note.hidden = false;
  }
}

if (offer && kept && kept.values?.need && location.hash !== "#continue" && !(form && form.elements.namedItem("need").value)) {
  offer.querySelector("[data-draft-beginning]").textContent = `“${kept.values.need.slice(0, 80)}”`;
  const go = offer.querySelector("[data-draft-continue]");
  // Only an address of ours: what is kept could have been tampered with.
  const address = new URL(kept.url ?? go.href, location.href);
  if (address.origin === location.origin) go.href = `${address.pathname}${address.search}#continue`;
  go.addEventListener("click", (event) => {
    if (!form) return;
    event.preventDefault();
    fill(form, kept.values);
    offer.hidden = true;
    note.hidden = false;
    form.elements.namedItem("need").focus();
  });
  offer.hidden = false;
}

for (const button of document.querySelectorAll("[data-draft-discard]")) {
  button.addEventListener("click", () => {
    silent = true;
    forget();
    if (offer) offer.hidden = true;
    if (!note || note.hidden) {
      silent = false;
      return;
    }
    form.reset();
    note.hidden = true;
    form.scrollIntoView();
    form.elements.namedItem("need").focus();
    silent = false;
  });
}
