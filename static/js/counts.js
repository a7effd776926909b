// A list says at once that there are more than so many, and how many once they are counted. Without a
// network its first word stands.
async function count(tabs) {
  try {
    const answer = await fetch(tabs.dataset.counts, { credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const counted = page.querySelectorAll(".tabs__link");
    const links = tabs.querySelectorAll(".tabs__link");
    if (!answer.ok || counted.length !== links.length) return;
    links.forEach((link, place) => {
      const [said, known] = [link, counted[place]].map((each) => each.querySelector(".count"));
      if (said && known) said.textContent = known.textContent;
    });
    delete tabs.dataset.counts;
  } catch {
    // what was said is still true
  }
}

for (const tabs of document.querySelectorAll("[data-counts]")) count(tabs);

// How many messages are unread: asked again when one comes back to the page, and now and then while it is
// looked at. Without a network, or after signing out, the number that was said stands.
const EVERY_MS = 120_000;

async function countUnread() {
  const link = document.querySelector("[data-live-count]");
  if (!link || document.visibilityState !== "visible") return;
  try {
    const answer = await fetch(link.dataset.liveCount, { credentials: "same-origin", redirect: "error" });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const known = page.querySelector("[data-live-count] .count");
    link.querySelector(".count")?.remove();
    if (known) link.append(" ", known);
  } catch {
    // what was said stands
  }
}

if (document.querySelector("[data-live-count]")) {
  document.addEventListener("visibilitychange", countUnread);
  window.setInterval(countUnread, EVERY_MS);
}
