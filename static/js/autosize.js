// A text area grows with what is typed, so that a long note is seen whole.
function fit(area) {
  const least = area.dataset.least || (area.dataset.least = String(area.offsetHeight));
  area.style.height = "auto";
  area.style.height = `${Math.max(area.scrollHeight + 4, Number(least))}px`;
}

for (const area of document.querySelectorAll("textarea[data-autosize]")) {
  if (area.value) fit(area);
  area.addEventListener("input", () => fit(area));
}
