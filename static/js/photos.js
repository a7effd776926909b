// Makes large photos small before they are sent: a phone's picture of 8 MB becomes one of 0.5 MB,
// which spares the resident's data and time. The server checks and cleans every photo anyway.
const LONGEST = 2000;
const LEAVE_BELOW = 1024 * 1024;

async function smaller(file) {
  if (!["image/jpeg", "image/png", "image/webp"].includes(file.type) || file.size < LEAVE_BELOW) return file;
  try {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    const sheet = canvas.getContext("2d");
    sheet.fillStyle = "#fff";
    sheet.fillRect(0, 0, canvas.width, canvas.height);
    sheet.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    const content = await new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", 0.85); });
    if (!content || content.size >= file.size) return file;
    return new File([content], file.name.replace(/\.\w+$/, ".jpg"), { type: "image/jpeg" });
  } catch {
    return file;
  }
}

for (const box of document.querySelectorAll("[data-photos]")) {
  const input = box.querySelector('input[type="file"]');
  const note = box.querySelector("[data-photos-note]");
  const room = Number(box.dataset.room);
  let busy = null;

  async function prepare() {
    const chosen = [...input.files];
    const taken = await Promise.all(chosen.slice(0, room).map(smaller));
    const files = new DataTransfer();
    for (const file of taken) files.items.add(file);
    input.files = files.files;
    note.textContent = chosen.length > room ? box.dataset.tooMany : "";
    // The list of upload.js shows what will really be sent.
    input.dispatchEvent(new CustomEvent("change", { detail: "prepared" }));
  }

  input.addEventListener("change", (event) => {
    if (event.detail === "prepared" || input.files.length === 0) return;
    busy = prepare().finally(() => { busy = null; });
  });
  // Whoever is fast waits for the pictures; the button stays where it is.
  input.form.addEventListener("submit", (event) => {
    if (!busy) return;
    event.preventDefault();
    const { submitter } = event;
    busy.then(() => input.form.requestSubmit(submitter));
  });
}
