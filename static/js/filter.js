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
