// Says how many characters are left; aloud only now and then, so that typing is not talked over.
const SPEAK_AFTER = 1000;

function watch(area) {
  const shown = document.getElementById(area.dataset.counter);
  const limit = Number(area.dataset.limit);
  const spoken = document.createElement("span");
  spoken.className = "visually-hidden";
  spoken.setAttribute("role", "status");
  shown.after(spoken);
  let timer;

  function count(aloud) {
    // The form counts code points; so does this.
    const left = limit - [...area.value].length;
    const words = (left < 0 ? shown.dataset.over : shown.dataset.left).replace("{n}", Math.abs(left).toLocaleString());
    shown.textContent = words;
    shown.classList.toggle("field__count--over", left < 0);
    clearTimeout(timer);
    if (aloud && left < limit / 10) timer = setTimeout(() => { spoken.textContent = words; }, SPEAK_AFTER);
  }
  area.addEventListener("input", () => count(true));
  count(false);
}

for (const area of document.querySelectorAll("textarea[data-counter]")) watch(area);
