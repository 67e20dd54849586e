// Digits mark the dimension in focus, or the first without a mark, and go on to the next; Ctrl+Enter records.
import { fresh, ready } from "./ballot-guard.js";
import { quiet } from "./ballot-keys.js";

const unmarked = (dimension) => dimension.querySelector("[type=radio]") && !dimension.querySelector(":checked");

function mark(form, digit) {
  const dimensions = [...form.querySelectorAll("[data-dimension]")];
  const here = document.activeElement?.closest("[data-dimension]") ?? dimensions.find(unmarked);
  const zero = digit === "0" ? here?.querySelector('input[value="10"]') : null; // on a scale to ten, 0 is ten
  const step = here?.querySelector(`input[data-digit="${digit}"]`) ?? here?.querySelector(`input[value="${digit}"]`) ?? zero;
  if (!step) return false;
  step.checked = true;
  step.dispatchEvent(new Event("input", { bubbles: true }));
  const next = dimensions[dimensions.indexOf(here) + 1];
  const target = next ? (next.querySelector("input:checked") ?? next.querySelector("input, textarea")) : form.querySelector("[data-submit]");
  target?.focus();
  return true;
}

// The note is part of the ballot; the other sheets have forms of their own, or are to be read.
const elsewhere = () => document.querySelector(":popover-open:not(#note)");

document.addEventListener("keydown", (event) => {
  const form = document.querySelector("#ballot [data-marks]");
  if (!form) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && fresh(event) && ready() && !event.isComposing && !elsewhere()) {
    event.preventDefault();
    form.requestSubmit();
  } else if (/^[0-9]$/.test(event.key) && !quiet(event) && mark(form, event.key)) {
    event.preventDefault();
  }
});
