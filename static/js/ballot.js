// The ballot's life on the page: what happens when the next item is painted, and when a vote does not arrive.
import "./ballot-keys.js";
import "./ballot-marks.js";
import { keep, restore } from "./ballot-draft.js";
import { painted, ready, sending } from "./ballot-guard.js";

const ballot = () => document.querySelector("#ballot");
const decides = (event) => event.target.closest?.("[data-decides]");

function say(region, text) {
  const element = document.querySelector(region);
  if (element) element.textContent = text ?? "";
}

function trouble(kind) {
  const element = document.querySelector("[data-trouble]");
  const text = document.createElement("p");
  text.className = "banner banner--bad";
  text.textContent = element.dataset[kind];
  element.replaceChildren(text);
}

function busy(is) {
  ballot()?.setAttribute("aria-busy", String(is));
  for (const button of ballot()?.querySelectorAll("button:not([type=button])") ?? []) {
    if (is && !button.disabled) button.dataset.paused = "";
    if (is || "paused" in button.dataset) button.disabled = is;
    if (!is) delete button.dataset.paused;
  }
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (decides(event) && !ready()) event.preventDefault();
});
document.addEventListener("htmx:beforeSend", (event) => {
  if (!decides(event)) return;
  sending(true);
  busy(true);
});
document.addEventListener("htmx:afterRequest", (event) => {
  sending(false);
  if (event.detail.successful) document.querySelector("[data-trouble]")?.replaceChildren();
  else busy(false);
});
document.addEventListener("htmx:sendError", () => trouble("offline"));
document.addEventListener("htmx:timeout", () => trouble("offline"));
document.addEventListener("htmx:responseError", () => trouble("failed"));
document.addEventListener("htmx:afterSwap", () => {
  painted();
  restore(ballot());
  const wrong = ballot()?.querySelector("[data-error]")?.closest("fieldset")?.querySelector("input");
  (wrong ?? ballot()?.querySelector("[data-heading]"))?.focus({ preventScroll: Boolean(!wrong) });
  if (!wrong) window.scrollTo(0, 0);
  say("[data-announcer]", ballot()?.dataset.announce);
});

// A double click on a plain form: its second half must not send the form again.
document.addEventListener("click", (event) => {
  if (event.detail > 1 && event.target.closest?.("[data-decides] button")) event.preventDefault();
}, true);
document.addEventListener("input", (event) => keep(ballot(), event.target));

restore(ballot());
