// The ballot's life on the page: what happens when the page is opened, and when the next item is painted.
import "./ballot-keys.js";
import "./ballot-marks.js";
import "./ballot-levels.js";
import { choose } from "./ballot-confirm.js";
import { keep, restore } from "./ballot-draft.js";
import { painted } from "./ballot-guard.js";
import { apply } from "./ballot-keymap.js";
import { show } from "./ballot-panes.js";
import { begin } from "./ballot-presence.js";
import { sendAll } from "./ballot-resend.js";
import { announce } from "./ballot-say.js";
import { arrived } from "./ballot-sending.js";

const ballot = () => document.querySelector("#ballot");
let maths; // the module that typesets formulas

async function typeset() {
  if (!ballot()?.querySelector(".maths")) return;
  maths ??= await import("./maths.js");
  await maths.typeset(ballot());
}

function dress() {
  begin(ballot()?.dataset.token);
  apply();
  choose(restore(ballot()));
  show(ballot());
  typeset().catch(() => {});
}

// htmx tells each element that it takes out so: with formulas there are thousands.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (!detail.shouldSwap || detail.target !== ballot()) return;
  document.activeElement?.blur(); // else the new item is styled once more when the old one goes
  for (const answer of ballot().querySelectorAll(".answer")) answer.replaceChildren();
});

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target?.id !== "ballot") return; // a comment was answered
  arrived(detail.xhr);
  painted();
  dress(); // before the focus, which lays out
  const wrong = ballot()?.querySelector("[data-error]")?.closest("fieldset")?.querySelector("input");
  (wrong ?? ballot()?.querySelector("[data-heading]"))?.focus({ preventScroll: Boolean(!wrong) });
  if (!wrong) window.scrollTo(0, 0);
  announce(ballot()?.dataset.announce);
});

document.addEventListener("input", () => keep(ballot()));

// The sheet of keys is drawn by a module of its own, when it is first opened.
document.querySelector("#ballot-help")?.addEventListener("beforetoggle", () => import("./ballot-help.js"), { once: true });

// timeout: milliseconds, after which a vote is kept and sent again; and no class of the old item is lent to the new
if (window.htmx) Object.assign(window.htmx.config, { timeout: 15_000, attributesToSettle: [] });
dress();
sendAll();
