// Whether a press may decide: never while a vote is on its way, nor in the first moment of an item nobody has read,
// nor by a key that was already down when the item was painted.
const SETTLE = 300; // milliseconds
const down = new Set();
let stale = new Set();
let inFlight = false;
let since = performance.now();

document.addEventListener("keydown", (event) => {
  down.add(event.code);
  // Enter presses a button over and over for as long as it is held.
  if (event.repeat && event.key === "Enter" && event.target.matches?.("[data-decides] :not(textarea)")) event.preventDefault();
}, true);
document.addEventListener("keyup", (event) => {
  down.delete(event.code);
  stale.delete(event.code);
}, true);
window.addEventListener("blur", () => {
  down.clear();
  stale.clear();
});

export function sending(is) {
  inFlight = is;
}

export function painted() {
  stale = new Set(down);
  since = performance.now();
}

export function idle() {
  return !inFlight;
}

export function ready() {
  return idle() && performance.now() - since >= SETTLE;
}

export function fresh(event) {
  return !event.repeat && !stale.has(event.code);
}
