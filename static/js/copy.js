// Copies an address at one tap, where the browser allows it.
for (const row of document.querySelectorAll("[data-copy-row]")) {
  const button = row.querySelector("[data-copy]");
  if (!navigator.clipboard) continue;
  row.hidden = false;
  const words = button.querySelector("span");
  const before = words.textContent;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      return;
    }
    words.textContent = button.dataset.copied;
    setTimeout(() => { words.textContent = before; }, 3000);
  });
}
