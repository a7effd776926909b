// Keyboard use of lists and pages. A key on data-shortcut clicks or focuses its element;
// in [data-list-keys], j and k move over the rows and Enter opens one. Never while typing.
function typing(target) {
  return target.isContentEditable || target.matches("input:not([type=checkbox], [type=radio], [type=submit]), textarea, select");
}

function visible(element) {
  return element.offsetParent !== null && !element.closest("[hidden]");
}

function move(list, by) {
  const rows = [...list.querySelectorAll("tbody tr, [data-list-item]")].filter(visible);
  if (rows.length === 0) return;
  const at = rows.findIndex((row) => row.classList.contains("is-chosen"));
  const next = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
  for (const row of rows) row.classList.toggle("is-chosen", row === next);
  next.scrollIntoView({ block: "nearest" });
  next.querySelector("a[href], button")?.focus({ preventScroll: true });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  const list = document.querySelector("[data-list-keys]");
  if (list && (event.key === "j" || event.key === "k")) {
    event.preventDefault();
    move(list, event.key === "j" ? 1 : -1);
    return;
  }
  for (const element of document.querySelectorAll(`[data-shortcut="${CSS.escape(event.key)}"]`)) {
    if (!visible(element)) continue;
    event.preventDefault();
    if (element.matches("input, textarea, select")) element.focus();
    else element.click();
    return;
  }
});
