// Which key presses which control: as the page says, or as this person chose. Kept in this browser.
import { forget, recall, remember } from "./ballot-store.js";

export const controls = () => [...document.querySelectorAll("#ballot [data-key]")];
export const labelOf = (control) => {
  const clone = (control.closest("label") ?? control).cloneNode(true);
  for (const part of clone.querySelectorAll("kbd, [data-again]")) part.remove();
  return control.dataset.about ?? clone.textContent.trim();
};
const usesDigits = () => Boolean(document.querySelector("#ballot [data-marks]"));

function set(control, key) {
  const own = control.dataset.standard;
  control.dataset.key = key;
  control.setAttribute("aria-keyshortcuts", key === own ? control.dataset.shortcut : key);
  const shown = (control.closest("label") ?? control).querySelector("kbd");
  if (shown) shown.textContent = key;
}

export function apply() {
  const map = recall("keymap", {});
  const all = controls();
  for (const control of all) {
    control.dataset.standard ??= control.dataset.key;
    control.dataset.shortcut ??= control.getAttribute("aria-keyshortcuts") ?? control.dataset.key;
  }
  const wanted = all.map((control) => map[control.dataset.standard] ?? control.dataset.standard);
  // Chosen on another kind of ballot, where the key was free: here the keys are the page's own.
  const clash = new Set(wanted).size < wanted.length || (usesDigits() && wanted.some((key) => /^\d$/.test(key)));
  all.forEach((control, at) => set(control, clash ? control.dataset.standard : wanted[at]));
}

export function change(control, key) {
  // "" when the key is the control's from now on, else why it is not.
  if ([...key].length !== 1 || !key.trim()) return "unfit";
  const wanted = key.toLowerCase();
  if (usesDigits() && /^\d$/.test(wanted)) return "digits";
  const holder = controls().find((other) => other !== control && other.dataset.key === wanted);
  if (holder) return "taken";
  remember("keymap", { ...recall("keymap", {}), [control.dataset.standard]: wanted });
  apply();
  return "";
}

export function reset() {
  forget("keymap");
  apply();
}
