// `[` and `]` follow the links to the record before and the next one, unless somebody is typing or has switched keys off.
import { recall, remember } from "./ballot-store.js";

let on = recall("keys", "on") !== "off";

document.addEventListener("keydown", (event) => {
  if (!on || event.ctrlKey || event.metaKey || event.repeat || event.isComposing) return;
  if (event.altKey && !event.getModifierState("AltGraph")) return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog[open]")) return;
  if (event.key === "[" || event.key === "]") document.querySelector(`a[data-key="${CSS.escape(event.key)}"]`)?.click();
});

for (const part of document.querySelectorAll("[data-needs-script]")) part.hidden = false;
for (const box of document.querySelectorAll("[data-keys-switch]")) {
  box.checked = on;
  box.addEventListener("change", () => {
    on = box.checked;
    remember("keys", on ? "on" : "off");
  });
}
