// The summary of errors takes the focus when the page opens; a link in it leads into its field.
// Also shows the buttons that only a script can serve.
const wanted = document.querySelector("[data-focus]");
if (wanted) wanted.focus();

document.addEventListener("click", (event) => {
  const link = event.target.closest(".error-summary a[href^='#']");
  const target = link && document.getElementById(link.hash.slice(1));
  if (!target) return;
  event.preventDefault();
  target.focus({ preventScroll: true });
  (target.closest(".field") || target).scrollIntoView({ block: "center" });
});

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// A page of errors answers a sent form. Its place in the history becomes the page itself, so that
// going back to it opens the form again instead of asking whether to send it twice.
if (document.querySelector(".error-summary")) history.replaceState(history.state, "", location.href);
