// The help sheet: every key of this ballot, to be changed one by one.
import { change, controls, labelOf, reset } from "./ballot-keymap.js";

const sheet = document.querySelector("#ballot-help");
const list = sheet?.querySelector("[data-key-rows]");
let waiting = null; // the control whose key is being chosen

function say(kind, values = {}) {
  const line = sheet.querySelector("[data-key-said]");
  const text = kind ? line.dataset[kind] : "";
  line.textContent = Object.entries(values).reduce((said, [key, value]) => said.replaceAll(`{${key}}`, value), text);
}

function row(control) {
  const item = sheet.querySelector("template").content.firstElementChild.cloneNode(true);
  item.querySelector("kbd").textContent = control.dataset.key;
  item.querySelector("[data-what]").textContent = labelOf(control);
  const button = item.querySelector("button");
  button.setAttribute("aria-label", `${button.textContent}: ${labelOf(control)}`);
  button.addEventListener("click", () => {
    waiting = control;
    say("press", { action: labelOf(control) });
  });
  return item;
}

function inOrder() {
  // The choices first, then what goes with them.
  const all = controls();
  return [...all.filter((control) => control.name === "choice"), ...all.filter((control) => control.name !== "choice")];
}

function draw() {
  list.replaceChildren(...inOrder().map(row));
}

function took(event) {
  if (!waiting || ["Shift", "Control", "Alt", "Meta", "AltGraph", "CapsLock", "Tab"].includes(event.key)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const control = waiting;
  if (event.key === "Escape") {
    waiting = null;
    return say("");
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const why = change(control, event.key);
  const holder = controls().find((other) => other.dataset.key === key);
  if (why) return say(why, { key, action: holder ? labelOf(holder) : "" });
  const at = inOrder().indexOf(control);
  waiting = null;
  draw();
  list.children[at]?.querySelector("button").focus();
  say("changed", { key, action: labelOf(control) });
}

if (sheet) {
  document.addEventListener("keydown", took, true);
  sheet.addEventListener("toggle", (event) => {
    waiting = null;
    say("");
    if (event.newState === "open") draw();
  });
  sheet.querySelector("[data-key-reset]").addEventListener("click", () => {
    waiting = null;
    reset();
    draw();
    say("standard");
  });
  draw();
}
