// Makes a button of each variable: a tap puts it where one was typing.
const fields = ["subject", "body", "short"].map((name) => document.getElementById(name)).filter(Boolean);
const touched = new Set(); // elsewhere the browser takes the beginning for the place of typing
let last = document.getElementById("body");
for (const field of fields) field.addEventListener("focus", () => { last = field; touched.add(field); });
for (const line of document.querySelectorAll("[data-variable]")) {
  const name = line.querySelector("code");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "variables__tap";
  button.textContent = name.textContent;
  name.replaceWith(button);
  button.addEventListener("click", () => {
    const field = line.dataset.only ? document.getElementById(line.dataset.only) : last;
    const sign = line.dataset.variable;
    if (!touched.has(field)) field.setSelectionRange(field.value.length, field.value.length);
    field.setRangeText(line.dataset.only ? `\n${sign}\n` : sign, field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  });
}
