// A board that is open follows the votes: the parts of it that votes change are put in place of the old ones.
const LONGEST_WAIT = 30000;
const holder = document.querySelector("[data-board]");
let wait = 1000;
let seq = 0;

// The fragment is our own template's output, escaped on the server: the same HTML as on first load.
function show(html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  // A page on which nothing was rated yet has no parts to put these in: it is read again, once.
  if ("unrated" in holder.dataset && fresh.content.querySelector('[data-live="table"]')) location.reload();
  for (const part of fresh.content.querySelectorAll("[data-live]")) {
    const old = holder.querySelector(`[data-live="${CSS.escape(part.dataset.live)}"]`);
    if (!old || old.outerHTML === part.outerHTML || old.contains(document.activeElement)) continue;
    const scrolled = old.querySelector(".table-wrap")?.scrollLeft ?? old.scrollLeft;
    old.replaceWith(part);
    (part.querySelector(".table-wrap") ?? part).scrollLeft = scrolled;
  }
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const query = new URLSearchParams(location.search);
  query.set("lang", document.documentElement.lang);
  const socket = new WebSocket(`${scheme}://${location.host}/ws/boards/${holder.dataset.board}/?${query}`);
  socket.addEventListener("open", () => { wait = 1000; seq = 0; });
  socket.addEventListener("message", (event) => {
    const message = JSON.parse(event.data);
    if (message.seq <= seq) return;
    seq = message.seq;
    show(message.html);
  });
  socket.addEventListener("close", (event) => {
    if (event.code === 4403) return;
    setTimeout(connect, wait * (0.75 + Math.random() / 2));
    wait = Math.min(wait * 2, LONGEST_WAIT);
  });
}

if (holder) connect();
