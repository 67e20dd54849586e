// Where the run asks for it, a choice counts when it is pressed again: the first press only marks it.
import { keep } from "./ballot-draft.js";
import { announce, words } from "./ballot-say.js";

const choices = () => document.querySelectorAll("#ballot [data-confirm]");
const label = (button) => button.textContent.replace(button.querySelector("kbd")?.textContent ?? "", "").trim();

export function choose(value) {
  for (const button of choices()) {
    const is = button.value === value;
    button.setAttribute("aria-pressed", String(is));
    button.querySelector("[data-again]")?.remove();
    if (!is) continue;
    announce(words("again", { choice: label(button) }));
    const hint = document.createElement("span");
    hint.dataset.again = "";
    hint.textContent = words("hint");
    button.append(hint);
    button.form.dataset.chosen = value;
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("#ballot [data-confirm]");
  if (!button || button.getAttribute("aria-pressed") === "true") return;
  event.preventDefault();
  choose(button.value);
  keep(document.querySelector("#ballot"));
}, true);
