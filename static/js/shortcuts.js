// Keyboard use of lists and pages. A key on data-shortcut clicks or focuses its element;
// in [data-list-keys], j and k move over the rows and Enter opens one. Never while typing.
// Only for people who are signed in: their menu holds the switch that turns the keys off.
const KEPT_AS = "shortcuts";
const toggle = document.querySelector("[data-shortcuts-toggle]");

function kept() {
  try {
    return localStorage.getItem(KEPT_AS);
  } catch {
    return null; // storage may be forbidden
  }
}

let active = toggle !== null && kept() !== "off";

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

function press(event) {
  if (!active || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (typing(event.target) || document.querySelector("dialog[open]")) return;
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
}

function announce() {
  for (const element of document.querySelectorAll("[data-shortcut]")) {
    if (active) element.setAttribute("aria-keyshortcuts", element.dataset.shortcut);
    else element.removeAttribute("aria-keyshortcuts");
  }
  if (toggle) {
    toggle.hidden = false;
    toggle.textContent = active ? toggle.dataset.on : toggle.dataset.off;
  }
}

toggle?.addEventListener("click", () => {
  active = !active;
  try {
    localStorage.setItem(KEPT_AS, active ? "on" : "off");
  } catch {
    // Then it holds for this page only.
  }
  announce();
});
document.addEventListener("keydown", press);
announce();
