// Opens the page anew after a while, as long as something on it is under way: data-renew="3".
// Not while the reader is in the middle of something: then it waits for the next turn.

const underWay = document.querySelector("[data-renew]");

function renew() {
  const isBusy = document.hidden || window.getSelection()?.toString() || document.querySelector("details[open]");
  if (isBusy) {
    wait();
  } else {
    window.location.reload();
  }
}

function wait() {
  window.setTimeout(renew, Number(underWay.dataset.renew) * 1000);
}

if (underWay) wait();
