// Single keys press the control that carries them in data-key; they can be switched off in the help sheet.
import { fresh, idle, ready } from "./ballot-guard.js";
import { recall, remember } from "./ballot-store.js";

const root = document.documentElement;
const OPEN = "dialog[open], :popover-open, details[data-menu][open]";

const typing = (element) =>
  element.isContentEditable || element.matches("textarea, select, input:not([type=radio], [type=checkbox])");

function hushed(event) {
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
    typing(event.target)
  );
}

export function quiet(event) {
  return hushed(event) || Boolean(document.querySelector(OPEN));
}

function controlOf(event) {
  const key = CSS.escape(event.key.length === 1 ? event.key.toLowerCase() : event.key);
  return document.querySelector(`#ballot [data-key="${key}"]:not(:disabled)`);
}

// The key that opened a sheet closes it again; the others wait until it is closed.
function closes(control) {
  const open = document.querySelectorAll(OPEN);
  return open.length === 1 && open[0].id === control?.getAttribute("popovertarget");
}

document.addEventListener("keydown", (event) => {
  if (hushed(event) || !idle()) return;
  const control = controlOf(event);
  if (!control || (quiet(event) && !closes(control))) return;
  if (!control.matches("[popovertarget], [data-toggle]") && !ready()) return;
  event.preventDefault();
  control.click();
});

root.dataset.keys = recall("keys", "on");
for (const part of document.querySelectorAll("[data-needs-script]")) part.hidden = false;
for (const box of document.querySelectorAll("[data-keys-switch]")) {
  box.checked = root.dataset.keys !== "off";
  box.addEventListener("change", () => {
    root.dataset.keys = box.checked ? "on" : "off";
    remember("keys", root.dataset.keys);
  });
}
