// Guards a form against a double tap: the second submission of the same form is swallowed.
// The server has its own guard (the submission key); this one spares people the wait.
const RELEASE_AFTER = 15000;

function release(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll('[type="submit"]')) button.removeAttribute("aria-disabled");
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-once]")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  if (event.defaultPrevented) return; // a listener of the form itself: it will be sent later
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll('[type="submit"]')) button.setAttribute("aria-disabled", "true");
  setTimeout(() => release(form), RELEASE_AFTER);
});

// Coming back by the browser's button must find the form usable.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) release(form);
});
