// Narrows a list while one types. Without it the search field sends its form as usual.
function plain(text) {
  return text.toLocaleLowerCase().normalize("NFKC").trim();
}

for (const field of document.querySelectorAll("[data-filter-list]")) {
  const list = document.getElementById(field.dataset.filterList);
  if (!list) continue;
  const items = [...list.querySelectorAll("[data-filter-item]")];
  const nothing = list.querySelector("[data-filter-nothing]");
  field.addEventListener("input", () => {
    const words = plain(field.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const item of items) {
      const text = plain(item.dataset.filterItem || item.textContent);
      const fits = words.every((word) => text.includes(word));
      item.hidden = !fits;
      if (fits) shown += 1;
    }
    // A group whose items are all hidden hides with them; a folded one unfolds for what was found.
    for (const group of list.querySelectorAll("[data-filter-group]")) {
      const any = group.querySelector("[data-filter-item]:not([hidden])") !== null;
      group.hidden = !any;
      if (group.tagName === "DETAILS" && words.length && any) group.open = true;
    }
    if (nothing) nothing.hidden = shown > 0;
  });
}
