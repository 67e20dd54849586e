// How the answers are shown: as source text, with their different words marked, scrolled together. Kept in this browser.
import { words } from "./ballot-say.js";
import { recall, remember } from "./ballot-store.js";

const view = { raw: false, diff: false, sync: false, ...recall("panes", {}) };
const placed = new WeakMap(); // where we scrolled a pane to, so that its echo moves nothing

async function mark(ballot) {
  const { markDifferences } = await import("./ballot-diff.js");
  const all = markDifferences(ballot);
  const line = ballot.querySelector("[data-diff-said]");
  if (line) line.textContent = all ? "" : words("long");
}

export function show(ballot) {
  const pair = Boolean(ballot?.querySelector('[data-toggle="diff"]'));
  const diff = pair && view.diff;
  for (const toggle of ballot?.querySelectorAll("[data-toggle]") ?? [])
    toggle.setAttribute("aria-pressed", String(Boolean(view[toggle.dataset.toggle])));
  for (const answer of ballot?.querySelectorAll("[data-pane] > .answer") ?? []) answer.hidden = view.raw || diff;
  for (const raw of ballot?.querySelectorAll("[data-raw]") ?? []) {
    raw.hidden = !(view.raw || diff);
    if (!diff && raw.childElementCount) raw.textContent = raw.textContent;
  }
  const line = ballot?.querySelector("[data-diff-said]");
  if (line) line.textContent = "";
  if (diff) mark(ballot);
}

document.addEventListener("click", (event) => {
  const toggle = event.target.closest?.("#ballot [data-toggle]");
  const more = event.target.closest?.("#ballot [data-more]");
  if (more) more.setAttribute("aria-expanded", String(more.getAttribute("aria-expanded") !== "true"));
  if (!toggle) return;
  view[toggle.dataset.toggle] = !view[toggle.dataset.toggle];
  remember("panes", view);
  show(document.querySelector("#ballot"));
});

document.addEventListener("scroll", (event) => {
  const pane = event.target;
  if (!view.sync || !pane.dataset?.pane) return;
  if (Math.abs((placed.get(pane) ?? -9) - pane.scrollTop) <= 1) return;
  placed.delete(pane);
  const share = pane.scrollTop / Math.max(1, pane.scrollHeight - pane.clientHeight);
  for (const other of document.querySelectorAll("#ballot [data-pane]")) {
    if (other === pane) continue;
    other.scrollTop = share * (other.scrollHeight - other.clientHeight);
    placed.set(other, other.scrollTop);
  }
}, { capture: true, passive: true });
