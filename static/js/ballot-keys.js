// Single keys press the control that carries them in data-key; they can be switched off in the help sheet.
import { fresh, idle, ready } from "./ballot-guard.js";

const KEPT = "juryroom-keys";
const root = document.documentElement;

function stored() {
  try {
    return localStorage.getItem(KEPT) ?? "on";
  } catch {
    return "on"; // storage is blocked: keys work, the choice lasts as long as the page
  }
}

function choose(value) {
  root.dataset.keys = value;
  try {
    localStorage.setItem(KEPT, value);
  } catch {
    /* as above */
  }
}

const typing = (element) =>
  element.isContentEditable || element.matches("textarea, select, input:not([type=radio], [type=checkbox])");

export function quiet(event) {
  return (
    root.dataset.keys === "off" ||
    event.defaultPrevented ||
    event.isComposing ||
    event.keyCode === 229 ||
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    event.getModifierState("AltGraph") ||
    !fresh(event) ||
    typing(event.target) ||
    Boolean(document.querySelector("dialog[open], :popover-open, details[data-menu][open]"))
  );
}

document.addEventListener("keydown", (event) => {
  if (quiet(event) || !idle()) return;
  const key = CSS.escape(event.key.length === 1 ? event.key.toLowerCase() : event.key);
  const control = document.querySelector(`#ballot [data-key="${key}"]:not(:disabled)`);
  if (!control || !(control.hasAttribute("popovertarget") || ready())) return;
  event.preventDefault();
  control.click();
});

root.dataset.keys = stored();
for (const part of document.querySelectorAll("[data-needs-script]")) part.hidden = false;
for (const box of document.querySelectorAll("[data-keys-switch]")) {
  box.checked = stored() !== "off";
  box.addEventListener("change", () => choose(box.checked ? "on" : "off"));
}
