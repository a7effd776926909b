// While one fills in the form: shows open requests of the same place and category.
for (const form of document.querySelectorAll("form[data-similar-url]")) {
  const place = form.elements.namedItem("area_id");
  const box = form.querySelector("[data-similar]");
  let asked = null;

  async function look() {
    asked?.abort();
    if (!place.value) {
      box.replaceChildren();
      return;
    }
    asked = new AbortController();
    try {
      const address = new URL(form.dataset.similarUrl, location.href);
      address.searchParams.set("area", place.value);
      const answer = await fetch(address, { signal: asked.signal, credentials: "same-origin" });
      if (!answer.ok && answer.status !== 429) return; // asked too often, the answer says so
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      box.replaceChildren(...page.body.childNodes);
    } catch {
      // Without a network the form works as well; the check page asks again.
    }
  }

  place.addEventListener("change", look);
  if (place.value) look();
}
