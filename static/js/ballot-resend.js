// Kept votes are sent again when the connection is back, and from time to time, each until it is answered.
import { draftOf } from "./ballot-draft.js";
import { idle, sending } from "./ballot-guard.js";
import { CSRF, SAID, here, isOver, keepVote, keptVotes, letGo, seatOf } from "./ballot-kept.js";
import { trouble } from "./ballot-say.js";
import { forget, recall, whenGone } from "./ballot-store.js";

const WAITS = [5, 10, 20, 40, 60]; // seconds between two tries
const PATIENCE = 15_000; // milliseconds for one try
const LASTS = 14 * 24 * 3600 * 1000; // milliseconds after which a vote that nobody takes is let go
const AWAY = [0, 200, 429, 502, 503, 504]; // no answer, one that is not ours, or that of a server that is busy or being restarted
const refused = new Set(); // kept by whoever was signed in before: not tried again on this page
let tries = 0;
let timer;

export const away = (status) => AWAY.includes(status);

export function keepForLater(request) {
  keepVote(request);
  trouble("kept");
  later();
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(sendAll, 1000 * WAITS[Math.min(tries++, WAITS.length - 1)]);
}

async function post({ url, fields }) {
  const body = new URLSearchParams(fields);
  body.set(CSRF, document.querySelector(`[name=${CSRF}]`)?.value ?? "");
  const headers = { "HX-Request": "true", "HX-Current-URL": window.location.href };
  try {
    const answer = await fetch(url, { method: "POST", body, headers, signal: AbortSignal.timeout(PATIENCE) });
    const [signIn, word] = ["HX-Redirect", SAID].map((name) => answer.headers.get(name));
    return { status: answer.status, signIn, word, html: await answer.text() };
  } catch {
    return { status: 0 };
  }
}

async function send(name) {
  const vote = recall(name);
  const token = seatOf(name);
  if (!vote) return;
  const { status, signIn, word, html } = await post(vote);
  if (signIn) window.location.assign(signIn);
  else if (word === "wait") wait();
  else if (word) await settle(token, word, html).catch(later);
  else if (away(status)) later();
  else refuse(name, token, status, vote.at);
}

function wait() {
  trouble("waiting");
  later();
}

async function tell(kind, html) {
  (await import("./ballot-told.js")).tell(kind, html);
}

async function settle(token, word, html) {
  const isTold = token !== here() && (!isOver(word) || word === "already");
  if (isTold) await tell("outcome", html);
  letGo(token);
  if (isOver(word)) forget(draftOf(token)); // else it was not recorded, and the draft stays for when the item comes back
  tries = 0;
  if (token === here()) show(html);
  else if (!isTold) trouble("sent");
}

function show(html) {
  const target = document.querySelector("#ballot");
  const how = { swapStyle: "outerHTML", swapDelay: 0, settleDelay: 20 };
  window.htmx.swap(target, html, how, { eventInfo: { target } });
}

function refuse(name, token, status, since) {
  refused.add(name);
  if (Date.now() - since > LASTS) tell("expired").then(() => forget(name));
  if (token === here()) trouble(status === 403 ? "stale" : status === 404 ? "gone" : "failed");
}

export async function sendAll() {
  clearTimeout(timer);
  const waiting = () => keptVotes().filter((name) => !refused.has(name));
  if (!waiting().length || !document.querySelector("[data-told]")) return; // never where the answer could not be shown
  if (!idle()) return later();
  const work = async () => {
    sending(true);
    for (const name of waiting()) await send(name);
    sending(false);
  };
  // One tab at a time; where there are no locks a second post of a seat is answered like the first.
  await (navigator.locks ? navigator.locks.request("juryroom-votes", work) : work());
}

window.addEventListener("online", () => {
  tries = 0;
  sendAll();
});
whenGone("vote:", (name) => {
  if (seatOf(name) === here()) window.location.reload();
});
