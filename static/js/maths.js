// Formulas: what stands in `.maths` as source is typeset by KaTeX, which is fetched only where there is some.
const CSS = new URL("../vendor/katex/katex.min.css", import.meta.url);
const OPTIONS = { trust: false, maxExpand: 500, maxSize: 20, throwOnError: false, strict: "ignore", errorColor: "var(--bad)" };
const SLICE = 100; // milliseconds of work before the page may paint: a key that is pressed meanwhile is not late
const DELIMITERS = [["$$", "$$", true], ["\\[", "\\]", true], ["\\(", "\\)", false], ["$", "$", false]];
const trees = new Map(); // what KaTeX made of each source on this item: two answers to one question share many
let katex;
let loading;

function load() {
  loading ??= Promise.all([import("../vendor/katex/katex.min.js"), styled()]).then(() => window.katex).catch((error) => {
    loading = undefined; // it is asked for again with the next item
    throw error;
  });
  return loading;
}

function styled() {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = CSS;
  const done = new Promise((resolve, reject) => {
    link.addEventListener("load", resolve, { once: true });
    link.addEventListener("error", () => { link.remove(); reject(new Error(link.href)); }, { once: true });
  });
  document.head.append(link);
  return done;
}

function treeOf(source, [open, close, displayMode]) {
  // These two write a style attribute into the MathML, which our Content-Security-Policy refuses.
  const output = /\\(fcolorbox|pmb)/.test(source) ? "html" : "htmlAndMathml";
  return katex.__renderToDomTree(source.slice(open.length, -close.length), { ...OPTIONS, displayMode, output });
}

function write(element) {
  if ("typeset" in element.dataset) return;
  const source = element.textContent;
  const found = DELIMITERS.find(([open, close]) => source.startsWith(open) && source.endsWith(close));
  element.dataset.typeset = "";
  if (!found || source.length < found[0].length + found[1].length) return;
  try {
    if (!trees.has(source)) trees.set(source, treeOf(source, found));
    const tree = trees.get(source);
    if (!tree.classes.includes("katex-error")) element.replaceChildren(tree.toNode());
  } catch {
    /* nested too deep for KaTeX: the source stays */
  }
}

const pause = () => new Promise((resolve) => (window.requestIdleCallback ?? setTimeout)(resolve, { timeout: 200 }));

// The first of each text, the second of each …: what is at the top is in sight, and where it lies need not be asked, for that
// would lay the page out with sources that go at once.
function inTurn(root) {
  const texts = [...root.querySelectorAll(".answer")].map((text) => [...text.querySelectorAll(".maths:not([data-typeset])")]);
  const most = Math.max(0, ...texts.map((text) => text.length));
  return Array.from({ length: most }, (_none, at) => texts.flatMap((text) => text[at] ?? [])).flat();
}

export async function typeset(root) {
  // As many before the page is painted as there is time for; at once where KaTeX is here.
  const formulas = inTurn(root);
  if (!formulas.length) return;
  katex ??= await load();
  trees.clear();
  let since = performance.now();
  for (const formula of formulas) {
    if (!formula.isConnected) return; // the next item has been painted meanwhile
    write(formula);
    if (performance.now() - since < SLICE) continue;
    await pause();
    since = performance.now();
  }
}

typeset(document).catch(() => {}); // it could not be fetched: the source stays
