// What somebody types into a long note is kept on the server while they type and when the page is left.
// Each page keeps its own, under a number for each state of its words: what comes late is not taken, and
// no page overwrites another's. When the server cannot be reached, this device keeps the words until the
// next page of ours hands them over, at the latest when their writer signs out: the next person on the
// same phone has nothing of them, unless the line took longer than a sign-out waits. What nobody came
// back for goes after a week, whoever wrote it.
const PREFIX = "shishi-note:";
const PAUSE = 1500;
const SLOW = 3000;
const AGAIN = 15_000;
const GIVEN_UP = 20_000;
const ON_ITS_WAY = 2000;
const LONGEST_GOODBYE = 5000;
const IS_KEPT = 204;
const NO_LINE = 0;
const TOO_LONG = 413;
const AT_FAULT = 500;
const MOST_KEPT_ALIVE = 60_000;
const MOST_SHOWN = 10;
const KEPT_FOR = 7 * 24 * 60 * 60 * 1000;
const NOT_KEPT = new Set(["csrf_token", "once_key", "follows", "submission_key", "photos", "author"]);
const signOut = document.querySelector("form[data-sign-out]");
const box = signOut && document.querySelector("[data-note-draft]");
const form = box?.querySelector("form");
// Several people may share a phone: each finds their own notes only.
const prefix = `${PREFIX}${signOut?.dataset.signOut}:`;

function remove(name) {
  try {
    localStorage.removeItem(name);
  } catch {
    // Nothing was kept.
  }
}

// Forgets a copy that has done its work; what was kept under its name since stays.
function forget(name, { number, content }) {
  try {
    const kept = JSON.parse(localStorage.getItem(name));
    if (kept && (kept.number <= number || kept.content === content)) localStorage.removeItem(name);
  } catch {
    // Nothing was kept.
  }
}

// What this device keeps of the reader, the newest first; what is too old goes, of everybody.
function copies() {
  const found = [];
  try {
    for (const name of Object.keys(localStorage).filter((each) => each.startsWith(PREFIX))) {
      let copy = null;
      try {
        copy = JSON.parse(localStorage.getItem(name));
      } catch {
        // Not ours: it goes.
      }
      if (!copy?.content || !(Date.now() - copy.at < KEPT_FOR)) remove(name);
      else if (signOut && name.startsWith(prefix)) found.push({ form: name.slice(prefix.length), page: "", number: 0, follows: "", ...copy, name });
    }
  } catch {
    // A browser that keeps nothing.
  }
  return found.sort((one, another) => another.at - one.at);
}

// Returns the status of the answer; no line at all is 0.
async function give({ form: formKey, page, number, follows, content, at }, isLeaving = false) {
  const ago = Math.round(Math.max(0, Date.now() - at) / 1000);
  const body = new URLSearchParams({ csrf_token: signOut.elements.namedItem("csrf_token").value, form_key: formKey, page, number, follows, content, ago });
  // Sent to its end although the page is left, as far as browsers promise that.
  const keepalive = isLeaving && body.toString().length < MOST_KEPT_ALIVE;
  const line = new AbortController();
  const timer = setTimeout(() => line.abort(), GIVEN_UP);
  try {
    const answer = await fetch(signOut.dataset.notesUrl, { method: "POST", body, redirect: "manual", keepalive, signal: line.signal });
    return answer.status;
  } catch {
    return NO_LINE;
  } finally {
    clearTimeout(timer);
  }
}

async function handOver(copy, pause = 0) {
  const isGiven = await give(copy) === IS_KEPT;
  if (isGiven && pause) setTimeout(() => forget(copy.name, copy), pause);
  else if (isGiven) forget(copy.name, copy);
  return isGiven;
}

// What a page goes on with, by page and number.
const marksIn = (marks) => marks.split(" ").filter(Boolean).map((mark) => mark.split(":")).map(([page, number]) => ({ page, number: Number(number) }));

// Tells whether the server had it already as it printed what stands in `place`: kept, sent, or thrown away.
const isKnown = (copy, place) => marksIn(place.dataset.known).some((mark) => mark.page && mark.page === copy.page && mark.number >= copy.number);

// The note of this page. Returns what keeps here what stands in it, and what is told that a copy is on the server.
function keepNote() {
  const { noteDraft: formKey, page } = box.dataset;
  const state = box.querySelector("[data-note-state]");
  const name = `${prefix}${page}`;
  let { follows } = box.dataset;
  let last = { number: 0, content: null };
  let reached = 0; // the highest number that the server has
  let timer = 0;
  let dueAt = 0;
  let isSaving = false;
  let isSlow = false;
  let isThrownAway = false;

  const say = (words) => { state.textContent = words; };
  const fields = () => JSON.stringify([...new FormData(form)].filter(([key, value]) => !NOT_KEPT.has(key) && typeof value === "string"));

  // What stands in the form: the same words have the same number.
  const snapshot = () => {
    const content = fields();
    if (content !== last.content) last = { number: last.number + 1, content };
    return { at: Date.now(), form: formKey, page, follows, ...last };
  };

  const isThere = (copy) => { reached = Math.max(reached, copy.number); };

  const keepHere = (copy = snapshot()) => {
    if (isThrownAway) return false;
    try {
      localStorage.setItem(name, JSON.stringify(copy));
      return true;
    } catch {
      return false; // full or forbidden: the server's is the only one
    }
  };

  // Gives it to the server and says how that went; again later where it may help: who was signed out
  // meanwhile is not heard.
  const hand = async (copy) => {
    const status = await give(copy, true);
    if (status === IS_KEPT) {
      isThere(copy);
      forget(name, copy);
      if (copy.content === fields()) say(box.dataset.kept);
    } else if (copy.number > reached && !isThrownAway) {
      const where = keepHere() ? box.dataset.notKept : box.dataset.nowhere;
      say(status === TOO_LONG ? box.dataset.tooLong : where);
      if (status === NO_LINE || status >= AT_FAULT) wait(AGAIN);
    }
  };

  const save = async () => {
    const slow = setTimeout(() => { isSlow = true; keepHere(); }, SLOW); // the line may be dead
    await hand(snapshot());
    clearTimeout(slow);
    isSlow = false;
  };

  const wait = (pause) => {
    const at = Date.now() + pause;
    if (timer && dueAt <= at) return;
    clearTimeout(timer);
    dueAt = at;
    timer = setTimeout(() => due() && keep(), pause);
  };
  const due = () => {
    const waits = timer !== 0;
    clearTimeout(timer);
    timer = 0;
    return waits;
  };

  // One at a time while one types; when the page is left, at once.
  const keep = async () => {
    if (isSaving) {
      if (isSlow) keepHere();
      wait(PAUSE);
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

  const take = (copy) => {
    try {
      putBack(copy.content);
    } catch {
      remove(copy.name); // not ours
      return;
    }
    const marks = [`${copy.page}:${copy.number}`, ...copy.follows.split(" "), ...follows.split(" ")];
    follows = [...new Set(marks.filter(Boolean))].slice(0, MOST_SHOWN).join(" ");
    if (keepHere()) remove(copy.name); // under the name of this page first
    say(box.dataset.restored);
    keep();
  };

  // What the server has not goes into this page where it goes on with what stands here, and to the server else.
  const [stands] = marksIn(follows); // the first: what that one goes on with is older
  const isAnswer = document.documentElement.hasAttribute("data-answer");
  const goesOn = (copy) => {
    if (!stands) return !isAnswer;
    if (copy.page === stands.page) return copy.number >= stands.number;
    return marksIn(copy.follows).some((mark) => mark.page === stands.page && mark.number >= stands.number);
  };
  const apart = [];
  let isTaken = false;
  for (const copy of copies().filter((each) => each.form === formKey)) {
    if (isKnown(copy, box)) {
      remove(copy.name); // there already, sent, or thrown away
    } else if (!isTaken && goesOn(copy)) {
      isTaken = true;
      take(copy);
    } else {
      apart.push(copy);
    }
  }
  Promise.all(apart.map(async (copy) => ({ copy, isGiven: await handOver(copy) }))).then((all) => {
    const { copy } = all.find(({ isGiven }) => isGiven) ?? {};
    const other = document.querySelector("[data-note-other]");
    if (!copy || !other) return;
    const address = new URL(location.href);
    address.searchParams.set("typed", copy.page);
    other.querySelector("a").href = `${address.pathname}${address.search}`;
    other.hidden = false;
  });

  const marks = () => `${page}:${snapshot().number} ${follows}`.trim();
  form.addEventListener("input", () => {
    isThrownAway = false;
    wait(PAUSE); // who types on and on is kept meanwhile
  });
  form.addEventListener("submit", () => {
    due();
    form.elements.namedItem("follows").value = marks();
    // Until it is known to be taken: the answer may be a page that asks to sign in again.
    keepHere();
  });
  // What is thrown away must not be kept as the page is left, nor come with a save on its way.
  document.addEventListener("submit", (event) => {
    if (event.target.elements.namedItem("discard")?.value !== "shown") return;
    due();
    event.target.elements.namedItem("follows").value = marks();
    isThrownAway = true;
    remove(name);
  }, { capture: true });
  window.addEventListener("online", () => due() && keep());
  window.addEventListener("pageshow", () => { isThrownAway = false; });
  // Another page has handed over what was kept here.
  window.addEventListener("storage", (event) => {
    if (event.key === name && event.oldValue && !event.newValue) isThere(JSON.parse(event.oldValue));
  });
  const leave = () => {
    if (!(due() || isSaving) || isThrownAway) return;
    const copy = snapshot();
    if (copy.number <= reached) return;
    keepHere(copy); // the next page comes before it is known whether this arrives
    if (navigator.onLine) hand(copy);
    else wait(AGAIN); // who comes back to this page finds it at work
  };
  window.addEventListener("pagehide", leave);
  // A phone may end a page that nobody sees, and says nothing.
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") leave(); });
  return {
    // Returns what has yet to be given to the server, if this browser keeps nothing.
    keep: () => ((due() || isSaving) && !isThrownAway && !keepHere() ? [{ ...snapshot(), name }] : []),
    isGiven: (copy) => copy.name === name && isThere(copy),
  };
}

const note = form ? keepNote() : null;
// A visit that others recorded shows what its reader typed for it, and leads to what this device had of it:
// who is about to sign out, or to send something, is not called back by a new page.
const beside = document.querySelector("[data-note-unsent]");
for (const copy of copies().filter((each) => each.form !== box?.dataset.noteDraft)) {
  const isNew = copy.form === beside?.dataset.noteUnsent && !isKnown(copy, beside);
  // The page of the note may be printed already, before it was there: until that has come, both have it.
  handOver(copy, ON_ITS_WAY).then((isGiven) => { if (isGiven && isNew) beside.hidden = false; });
}

let isGoing = false;
document.addEventListener("submit", (event) => {
  const goodbye = event.target;
  if (!signOut || !goodbye.matches("[data-ends-session]")) return;
  if (isGoing) event.preventDefault(); // tapped twice: what is on its way is waited for
  if (event.defaultPrevented) return;
  const left = [...(note?.keep() ?? []), ...copies()];
  if (!left.length) return;
  event.preventDefault();
  isGoing = true;
  const tooLong = new Promise((resolve) => { setTimeout(resolve, LONGEST_GOODBYE); });
  const handed = left.map(async (copy) => { if (await handOver(copy)) note?.isGiven(copy); });
  Promise.race([Promise.all(handed), tooLong]).then(() => goodbye.submit());
});
window.addEventListener("pageshow", () => { isGoing = false; });
