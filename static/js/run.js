// The run's page, live: fragments over a socket; polling while the socket is down; nothing once the run has ended.
const POLL = 5000;
const LONGEST_WAIT = 30000;
const holder = document.querySelector("[data-run]");
const said = document.querySelector("[data-run-said]");
let lastSaid = holder?.querySelector("[data-say]")?.dataset.say;
let wait = 1000;
let seq = 0;
let socket = null;
let polling = null;

const watched = () => holder.querySelector("[data-watched]") !== null;

function announce() {
  const say = holder.querySelector("[data-say]")?.dataset.say ?? "";
  if (say && say !== lastSaid) said.textContent = say;
  lastSaid = say;
}

// What a reader is at in the fragment: the focus, a budget half typed, what was folded open or shut, how far a table was moved.
function kept() {
  const at = holder.contains(document.activeElement) ? document.activeElement : null;
  const where = at && [["id", at.id], ["form", at.getAttribute("form")], ["href", at.getAttribute("href")]].find(([, value]) => value);
  const value = at?.getAttribute("value") ?? "";
  const fields = [...holder.querySelectorAll('input[id]:not([type="hidden"])')].filter((field) => field.value !== field.defaultValue);
  // The mark that goes with a field stays the one it was typed under: the server tells whether somebody came between.
  const withIt = fields.flatMap((field) => [...holder.querySelectorAll(`[data-with="${CSS.escape(field.id)}"]`)]);
  const typed = [...fields, ...withIt].map((field) => [field.id, field.value]);
  // Also where nothing is typed yet: what is marked in full is meant to be typed over, not typed in front of.
  const marked = at?.matches('input:not([type="hidden"])') ? [at.selectionStart, at.selectionEnd] : null;
  const folds = [...holder.querySelectorAll("details[id]")].map((fold) => [fold.id, fold.open]);
  const moved = [...holder.querySelectorAll(".table-wrap[id]")].map((table) => [table.id, table.scrollLeft]);
  return { where, value, typed, marked, folds, moved };
}

function restore({ where, value, typed, marked, folds, moved }) {
  const named = (id) => holder.querySelector(`#${CSS.escape(id)}`);
  for (const [id, open] of folds) named(id)?.toggleAttribute("open", open);
  for (const [id, left] of moved) if (named(id)) named(id).scrollLeft = left;
  for (const [id, text] of typed) if (named(id)) named(id).value = text;
  if (!where) return;
  const found = [...holder.querySelectorAll(`[${where[0]}="${CSS.escape(where[1])}"]:not([type="hidden"])`)];
  const again = found.find((one) => (one.getAttribute("value") ?? "") === value) ?? found[0];
  again?.focus({ preventScroll: true });
  if (marked && again) again.setSelectionRange(...marked);
}

// The fragment is our own template's output, escaped on the server: the same HTML as on first load.
function show(html) {
  const before = kept();
  holder.innerHTML = html;
  restore(before);
  announce();
  if (!watched()) stop();
}

async function poll() {
  try {
    const response = await fetch(holder.dataset.fragment, { headers: { "HX-Request": "true" } });
    if (response.ok) show(await response.text());
    else if (response.status === 403 || response.status === 404) stop();
  } catch {
    // offline: the next poll tries again
  }
}

function startPolling() {
  polling ??= setInterval(poll, POLL);
}

function stopPolling() {
  clearInterval(polling);
  polling = null;
}

function stop() {
  stopPolling();
  socket?.close(1000);
  socket = null;
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const mine = new WebSocket(`${scheme}://${location.host}/ws/runs/${holder.dataset.run}/?lang=${document.documentElement.lang}`);
  socket = mine;
  mine.addEventListener("open", () => { wait = 1000; seq = 0; stopPolling(); });
  mine.addEventListener("message", (event) => {
    const message = JSON.parse(event.data);
    if (message.seq <= seq) return;
    seq = message.seq;
    show(message.html);
  });
  mine.addEventListener("close", () => {
    if (socket !== mine || !watched()) return;
    startPolling();
    setTimeout(() => { if (socket === mine) connect(); }, wait * (0.75 + Math.random() / 2));
    wait = Math.min(wait * 2, LONGEST_WAIT);
  });
}

if (holder && watched()) connect();
