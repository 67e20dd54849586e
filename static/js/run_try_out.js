// A try-out while it comes: what a reader has folded open stays open when the next verdicts are shown.
const open = () => [...document.querySelectorAll("#try-out details[id][open]")].map((fold) => fold.id);
let before = [];

document.body.addEventListener("htmx:beforeSwap", () => { before = open(); });
document.body.addEventListener("htmx:afterSwap", () => {
  for (const id of before) document.getElementById(id)?.setAttribute("open", "");
});
