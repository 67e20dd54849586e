// Where a reader goes on after rows were added or moved in place. A page that is loaded anew has `autofocus`, which browsers
// refuse, with a complaint, to what comes later.
document.addEventListener("htmx:afterSwap", () => document.querySelector("#rubric-editor [data-focus]")?.focus());
