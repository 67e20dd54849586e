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

// The fragment is our own template's output, escaped on the server: the same HTML as on first load.
function show(html) {
  const form = holder.contains(document.activeElement) ? document.activeElement.getAttribute("form") : null;
  holder.innerHTML = html;
  if (form) holder.querySelector(`button[form="${form}"]`)?.focus();
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
