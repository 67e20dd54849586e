// The words of the level under focus, beside the marks of a dimension.
import { announce } from "./ballot-say.js";

function near(levels, mark) {
  // The level of this mark; between two, the lower one.
  const below = levels.filter((level) => Number(level.dataset.level) <= mark);
  return below.sort((one, other) => Number(other.dataset.level) - Number(one.dataset.level))[0];
}

function show(event) {
  const dimension = event.target.closest?.("#ballot [data-dimension]");
  const levels = [...(dimension?.querySelectorAll("[data-level]") ?? [])];
  const input = event.target.closest("label")?.querySelector("input") ?? event.target;
  if (!levels.length || !input.matches("input") || input.value === "") return;
  const now = near(levels, Number(input.value));
  if (!now || "now" in now.dataset) return;
  for (const level of levels) delete level.dataset.now;
  now.dataset.now = "";
  if (event.type !== "pointerover") announce(now.textContent.trim());
}

for (const kind of ["focusin", "input", "pointerover"]) document.addEventListener(kind, show);
