// Narrows a list while one types. Without it the search field sends its form as usual.
function plain(text) {
  return text.toLocaleLowerCase().normalize("NFKC").trim();
}

// The word itself, or where nothing has that, two neighbouring Chinese characters of it.
function pieces(word) {
  const runs = word.match(/\p{Script=Han}{2,}/gu) ?? [];
  const pairs = runs.flatMap((run) => [...run].slice(1).map((next, at) => [...run][at] + next));
  return pairs.length ? pairs : [word];
}

// Then what has most words of a sentence, by how they begin; views/ask.py has the same.
const SAYING_NOTHING = new Set(
  ("the and for with need needs help please can could you our have has had who how some somebody someone " +
    "want would like there this that from are not was were will does don any get but his her its their they she him").split(" "),
);
const wordsOf = (text) => text.match(/\p{L}{3,}/gu) ?? [];

function nearest(sentence, texts) {
  const spoken = wordsOf(sentence).filter((word) => !SAYING_NOTHING.has(word));
  const begun = [...new Set(spoken.map((word) => word.slice(0, Math.max(4, word.length - 3))))];
  const scores = texts.map((text) => {
    const said = wordsOf(text);
    return begun.filter((one) => said.some((word) => word.startsWith(one))).length;
  });
  const best = Math.max(0, ...scores);
  return scores.map((score) => best > 0 && score === best);
}

for (const field of document.querySelectorAll("[data-filter-list]")) {
  const list = document.getElementById(field.dataset.filterList);
  if (!list) continue;
  const items = [...list.querySelectorAll("[data-filter-item]")];
  const nothing = list.querySelector("[data-filter-nothing]");
  field.addEventListener("input", () => {
    const words = plain(field.value).split(/\s+/).filter(Boolean);
    const texts = items.map((item) => plain(item.dataset.filterItem || item.textContent));
    let fits = texts.map((text) => words.every((word) => text.includes(word)));
    if (!fits.includes(true)) {
      const wanted = words.map(pieces);
      fits = texts.map((text) => wanted.every((some) => some.some((piece) => text.includes(piece))));
    }
    if (!fits.includes(true)) fits = nearest(plain(field.value), texts);
    items.forEach((item, at) => {
      item.hidden = !fits[at];
    });
    const shown = fits.filter(Boolean).length;
    // A group whose items are all hidden hides with them; a folded one unfolds for what was found.
    for (const group of list.querySelectorAll("[data-filter-group]")) {
      const any = group.querySelector("[data-filter-item]:not([hidden])") !== null;
      group.hidden = !any;
      if (group.tagName === "DETAILS" && words.length && any) group.open = true;
    }
    if (nothing) nothing.hidden = shown > 0;
  });
}
