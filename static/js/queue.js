// "?" opens and closes the list of keys, and Escape closes it. The keys themselves are in shortcuts.js;
// while typing they do nothing, and whoever turned them off has none here either.
const help = document.querySelector("[data-queue-help] details");

function typing(target) {
  return target.isContentEditable || target.matches("input, textarea, select");
}

function turnedOff() {
  try {
    return localStorage.getItem("shortcuts") === "off";
  } catch {
    return false; // storage may be forbidden
  }
}

document.addEventListener("keydown", (event) => {
  if (!help || event.key !== "?" || typing(event.target) || turnedOff()) return;
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  help.open = !help.open;
  if (help.open) help.querySelector("summary").focus();
});
