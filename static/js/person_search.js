// At intake: as soon as a phone number is typed, shows who called from it before. Sent by POST, so that
// no number stands in an address or a log. Without it the button "Look up" does the same.
for (const form of document.querySelectorAll("form[data-callers-url]")) {
  const phone = form.elements.namedItem("phone");
  const box = form.querySelector("[data-callers]");
  let asked = null;
  let last = phone.value.trim();

  async function look() {
    const typed = phone.value.trim();
    if (typed === last || typed.replace(/\D/g, "").length < 7) return;
    last = typed;
    asked?.abort();
    asked = new AbortController();
    const sent = new FormData();
    sent.set("csrf_token", form.elements.namedItem("csrf_token").value);
    sent.set("phone", typed);
    try {
      const answer = await fetch(form.dataset.callersUrl, { method: "POST", body: sent, signal: asked.signal, credentials: "same-origin" });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      box.replaceChildren(...page.body.childNodes);
    } catch {
      // Without a network the form works as well.
    }
  }

  phone.addEventListener("change", look);
}
