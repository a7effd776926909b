// Turns <details data-dialog> into a modal dialog. Without this script it unfolds in place.
function upgrade(details) {
  const opener = details.querySelector("[data-dialog-open]");
  const panel = details.querySelector("[data-dialog-panel]");
  const title = panel.querySelector(".confirm__title");
  const dialog = document.createElement("dialog");
  dialog.className = "dialog-sheet";
  title.id = title.id || `dialog-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  dialog.setAttribute("aria-labelledby", title.id);
  opener.setAttribute("aria-haspopup", "dialog");

  for (const close of panel.querySelectorAll("[data-dialog-close]")) {
    close.hidden = false;
    close.addEventListener("click", () => dialog.close());
  }
  opener.addEventListener("click", (event) => {
    event.preventDefault();
    dialog.showModal();
  });
  dialog.addEventListener("close", () => opener.focus());
  dialog.append(panel);
  details.after(dialog);
  // What came back with an error stays open.
  if (panel.querySelector('[aria-invalid="true"]')) dialog.showModal();
}

if ("showModal" in HTMLDialogElement.prototype) {
  for (const details of document.querySelectorAll("details[data-dialog]")) upgrade(details);
}
