// Another form of the same page was sent: the language, the size of the text, one of several cards.
// What was typed into the others comes back with the page: in this tab, for its writer, at once or
// not at all. And who goes back to a page, or loads it anew, finds what they typed: browsers would show
// it to the next person on the same device, too, so that forms of who is signed in forbid it to them.
const NAME = "shishi-unsent";
const KEPT_FOR = 60 * 1000;
const LEFT = "shishi-left";
const MOST_LEFT = 20;
const NOT_KEPT = new Set(["csrf_token", "once_key", "follows", "author", "kept", "resume", "submission_key"]);
const author = document.querySelector("[data-sign-out]")?.dataset.signOut ?? "";

// A note is kept by js/notes.js, and comes back with what it goes on with.
const isOurs = (form) => form.getAttribute("method") === "post" && !form.querySelector('[type="password"]') && !form.closest("[data-note-draft]");
const forms = () => [...document.forms].filter(isOurs);
// Buttons hold nothing, and a script may have put one there: who rang from this number.
const fields = (form) => [...form.elements].filter((field) => field.name && !NOT_KEPT.has(field.name) && !["submit", "button"].includes(field.type));

// What a form is about, also after another one before it has gone: all that it carries unseen.
const hiddenIn = (form) => fields(form).filter((field) => field.type === "hidden").map((field) => [field.name, field.value]);
const namesIn = (form) => [...new Set(fields(form).map((field) => field.name))].sort();
const markOf = (form) => JSON.stringify([hiddenIn(form), namesIn(form)]);

function changed(field) {
  if (field.type === "hidden" || field.type === "file") return false;
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.options) return [...field.options].some((option) => option.selected !== option.defaultSelected);
  return field.value !== field.defaultValue;
}

// What the server filled in after a mistake stands in no fresh page.
const isAnswer = document.documentElement.hasAttribute("data-answer");
const isAnswered = (form) => isAnswer && form.querySelector('.error-summary, [aria-invalid="true"]') !== null;
const isTyped = (field) => changed(field) || (isAnswered(field.form) && field.type !== "hidden" && field.type !== "file");

function valueOf(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked;
  if (field.options) return [...field.options].filter((option) => option.selected).map((option) => option.value);
  return field.value;
}

// An option that is no longer offered leaves the choice as it stands.
function choose(options, values) {
  if (values.length && !options.some((option) => values.includes(option.value))) return;
  for (const option of options) option.selected = values.includes(option.value);
}

function fill(field, value) {
  if (field.type === "checkbox") field.checked = value;
  else if (field.type === "radio") field.checked ||= value; // the one that was chosen takes the place of the other
  else if (field.options) choose([...field.options], value);
  else field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

// Fields with the same name (one for each choice) are told apart by what they stand for.
const keyOf = (field) => (field.type === "checkbox" || field.type === "radio" ? [field.name, field.value] : [field.name]).join("\n");

function written(all, isMeant) {
  return all
    .map((form) => ({ form, typed: fields(form).filter(isMeant) }))
    .filter(({ typed }) => typed.length)
    .map(({ form, typed }) => ({
      mark: markOf(form),
      action: form.getAttribute("action"),
      values: Object.fromEntries(typed.map((field) => [keyOf(field), valueOf(field)])),
    }));
}

const unsent = (sent) => written(forms().filter((form) => form !== sent), isTyped);

function take() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(NAME));
    sessionStorage.removeItem(NAME);
    const isHere = kept && kept.path === location.pathname && kept.author === author;
    if (kept?.isOfReload && performance.getEntriesByType("navigation")[0]?.type !== "reload") return [];
    return isHere && Date.now() - kept.at < KEPT_FOR ? kept.forms : [];
  } catch {
    return []; // a browser that keeps nothing, or something that is not ours
  }
}

function putBack(kept) {
  for (const { mark, action, values } of kept) {
    const alike = forms().filter((form) => markOf(form) === mark);
    // Some have another address each time they are opened.
    const form = alike.find((each) => each.getAttribute("action") === action) ?? (alike.length === 1 ? alike[0] : null);
    for (const field of form ? fields(form) : []) {
      if (keyOf(field) in values && !changed(field)) fill(field, values[keyOf(field)]);
    }
  }
}

putBack(take());

// What stood in the pages of this tab that were left, by their address. Who only has to sign in again loses
// nothing; where somebody else is, nothing of it stays.
function left() {
  try {
    const all = Object.entries(JSON.parse(sessionStorage.getItem(LEFT)) ?? {});
    return new Map(all.filter(([, place]) => place.author === author));
  } catch {
    return new Map(); // a browser that keeps nothing, or something that is not ours
  }
}

function keepLeft(places) {
  try {
    if (places.size) sessionStorage.setItem(LEFT, JSON.stringify(Object.fromEntries([...places].slice(-MOST_LEFT))));
    else sessionStorage.removeItem(LEFT);
  } catch {
    // Full or forbidden: the page works without.
  }
}

const here = location.pathname + location.search;

// What was typed before a mistake was answered, and what was changed since: what stands there untouched
// may be older than what the next page says. Of a form that was changed by others meanwhile, what it
// carries unseen has changed, too.
function together(before, since) {
  const kindOf = ({ mark, action }) => JSON.stringify([action, JSON.parse(mark)[1]]);
  const earlier = (one) => {
    const alike = before.filter((other) => kindOf(other) === kindOf(one));
    return alike.find((other) => other.mark === one.mark) ?? (alike.length === 1 ? alike[0] : undefined);
  };
  const both = since.map((one) => ({ ...one, values: { ...earlier(one)?.values, ...one.values } }));
  const goneOnWith = new Set(since.map(earlier));
  return [...before.filter((one) => !goneOnWith.has(one)), ...both];
}

// Back, loaded anew, or come to by signing in again.
function isCameBackTo() {
  const isOpenedAnew = performance.getEntriesByType("navigation")[0]?.type === "navigate";
  return !isOpenedAnew || /\/sign-in(\?|$)/.test(document.referrer);
}

if (author) {
  const places = left();
  if (isCameBackTo()) putBack(places.get(here)?.forms ?? []);
  if (!isAnswer) places.delete(here);
  keepLeft(places);
}

function leave() {
  const places = left();
  const changedHere = written(forms().filter((form) => form.getAttribute("autocomplete") === "off"), changed);
  const stood = together(isAnswer ? places.get(here)?.forms ?? [] : [], changedHere);
  places.delete(here);
  if (stood.length) places.set(here, { author, forms: stood });
  keepLeft(places);
}

// What the page that held it through a sign-out sends is in no form any more.
function forgetSent(sent) {
  const to = sent.getAttribute("action");
  const places = left();
  for (const [at, place] of places) place.forms = place.forms.filter(({ action }) => (action ?? at) !== to);
  keepLeft(places);
}

function keep(forms, isOfReload = false) {
  try {
    if (forms.length) sessionStorage.setItem(NAME, JSON.stringify({ at: Date.now(), path: location.pathname, author, forms, isOfReload }));
  } catch {
    // Full or forbidden: the page works without.
  }
}

let isLeft = false;
let isSigningOut = false;

document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-ends-session]")) isSigningOut = true; // perhaps only when the notes are given away (notes.js)
  if (event.defaultPrevented) return;
  isLeft = true;
  if (author && event.target.matches("[data-sends-kept]")) forgetSent(event.target);
  if (isSigningOut || event.target.getAttribute("method") !== "post") return;
  keep(unsent(event.target));
});

addEventListener("pageshow", () => { isSigningOut = false; });

// Pulled down to load anew, a page of mistakes is asked for as a fresh one (focus.js).
addEventListener("pagehide", () => {
  if (isSigningOut) keepLeft(new Map());
  else if (author) leave();
  if (isAnswer && !isLeft && !isSigningOut) keep(unsent(null), true);
});
