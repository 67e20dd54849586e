// Whether somebody is there: a heartbeat that keeps the seat, and the time an item was seen and not idle.
// Only *that* a pointer, scroll or key event happened counts; never which key, nor what was typed.
import { calm, trouble } from "./ballot-say.js";
import { recall, remember } from "./ballot-store.js";

const BEAT = 60_000; // milliseconds
const AT_IT = 180_000; // the seat is kept up for so long after the last event
const ACTIVE = 60_000; // and time counts for so long
const ballot = () => document.querySelector("#ballot");
let total = 0;
let seat;
let last;
let from; // since when the page has been seen; null while it is hidden

function look() {
  last = performance.now();
  from = document.hidden ? null : last;
}

function count() {
  const now = performance.now();
  if (from === null) return;
  total += Math.max(0, Math.min(now, last + ACTIVE) - from);
  from = now;
}

function seen() {
  count();
  last = performance.now();
}

function write() {
  count();
  for (const field of document.querySelectorAll('#ballot input[name="active_ms"]')) field.value = Math.round(total);
}

async function beat() {
  const url = ballot()?.dataset.beat;
  if (!url || document.hidden || performance.now() - last > AT_IT) return;
  const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
  try {
    const answer = await fetch(url, { method: "POST", headers: { "X-CSRFToken": token, "HX-Request": "true" } });
    if (answer.headers.get("HX-Redirect")) return trouble("out");
    const { held } = await answer.json();
    if (held === false) trouble("lost");
    else calm("lost");
  } catch {
    /* no answer, or none of ours: the vote itself will tell */
  }
}

export function begin(token) {
  // The same item again, after a reload or with an error, goes on counting.
  const kept = recall("active");
  if (token !== seat) total = token && kept?.token === token ? kept.total : 0;
  seat = token;
  look();
}

for (const kind of ["pointermove", "pointerdown", "wheel", "keydown", "touchstart", "scroll"])
  document.addEventListener(kind, seen, { capture: true, passive: true });
document.addEventListener("visibilitychange", () => {
  count();
  look();
});
document.addEventListener("submit", write, true);
window.addEventListener("pagehide", () => {
  count();
  remember("active", { token: seat, total });
});
look();
setInterval(beat, BEAT);
