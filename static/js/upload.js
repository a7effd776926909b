// Lists the chosen files with a small picture and their size, and says which are too large.
const MOST_BYTES = 10 * 1024 * 1024;

function line(file, tooLarge) {
  const item = document.createElement("li");
  if (["image/jpeg", "image/png", "image/webp"].includes(file.type)) {
    const picture = document.createElement("img");
    picture.alt = "";
    picture.src = URL.createObjectURL(file);
    picture.addEventListener("load", () => URL.revokeObjectURL(picture.src));
    item.append(picture);
  }
  const words = document.createElement("span");
  words.textContent = `${file.name} (${(file.size / 1024 / 1024).toFixed(1)} MB)`;
  if (file.size > MOST_BYTES) {
    words.className = "is-wrong";
    words.textContent += ` – ${tooLarge}`;
  }
  item.append(words);
  return item;
}

for (const box of document.querySelectorAll("[data-upload]")) {
  const input = box.querySelector('input[type="file"]');
  const list = box.querySelector(".upload__list");
  input.addEventListener("change", () => {
    list.replaceChildren(...[...input.files].map((file) => line(file, box.dataset.tooLarge)));
    list.hidden = input.files.length === 0;
  });
  for (const name of ["dragenter", "dragover"]) box.addEventListener(name, () => box.classList.add("upload--over"));
  for (const name of ["dragleave", "drop"]) box.addEventListener(name, () => box.classList.remove("upload--over"));
}
