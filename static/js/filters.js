// Fetches the fields of a list's filters when they are unfolded. Without a network their link is left.
async function fetchFields(place) {
  if (!place || place.getAttribute("aria-busy") === "true") return;
  place.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(place.dataset.filters, { credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const form = answer.ok && page.querySelector("form.filters__form");
    if (!form) throw new Error("no fields");
    const isHere = place.contains(document.activeElement);
    place.replaceWith(form);
    if (isHere) form.querySelector("select, input:not([type=hidden])")?.focus();
  } catch {
    place.removeAttribute("aria-busy");
  }
}

for (const fold of document.querySelectorAll("details.filters__fold")) {
  const look = () => fold.open && fetchFields(fold.querySelector("[data-filters]"));
  fold.addEventListener("toggle", look);
  look();
}
