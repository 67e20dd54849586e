// A vote on its way: nothing else may be pressed, and where it does not arrive the page says why and loses nothing.
import { draftOf, keep } from "./ballot-draft.js";
import { ready, sending } from "./ballot-guard.js";
import { SAID, isKept, isOver, keepVote, letGo } from "./ballot-kept.js";
import { away, keepForLater } from "./ballot-resend.js";
import { announce, calm, trouble, words } from "./ballot-say.js";
import { forget } from "./ballot-store.js";

const ballot = () => document.querySelector("#ballot");
const form = (event) => event.detail.requestConfig.elt; // the page may have taken it out meanwhile
const decides = (event) => form(event).matches("[data-decides]");
const undoes = (event) => form(event).matches("[data-undo]");
const wordOf = (xhr) => xhr?.getResponseHeader(SAID);
const redirects = (event) => Boolean(event.detail.xhr?.getResponseHeader("HX-Redirect"));
const SEEN = 150; // milliseconds: a vote that arrives sooner shows nothing of its way, for which the page would be painted twice
let waiting;
let leaving = ""; // the seat whose vote, skip or flag is on its way

function busy(is) {
  ballot()?.setAttribute("aria-busy", String(is));
  for (const button of ballot()?.querySelectorAll("button:not([type=button])") ?? []) {
    if (is && !button.disabled) button.dataset.paused = "";
    if (is || "paused" in button.dataset) button.disabled = is;
    if (!is) delete button.dataset.paused;
  }
}

function unsent(event) {
  if (undoes(event) || !decides(event)) trouble("offline");
  else keepForLater(event.detail.requestConfig);
}

export function arrived(xhr) {
  // What was filled in on an item is let go once it is on record.
  if (leaving) letGo(leaving);
  if (leaving && isOver(wordOf(xhr))) forget(draftOf(leaving));
  leaving = "";
}

function commented(event) {
  if (!event.detail.successful || redirects(event)) return;
  form(event).elements.text.value = "";
  keep(ballot());
  calm("offline");
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (!decides(event)) return;
  if (!ready()) event.preventDefault();
  else if (undoes(event) && isKept(ballot().dataset.token)) {
    event.preventDefault(); // there is nothing to undo on the server yet
    letGo(ballot().dataset.token);
    announce(words("taken"));
  }
});
document.addEventListener("htmx:beforeSend", (event) => {
  if (!decides(event)) return;
  leaving = undoes(event) ? "" : ballot().dataset.token;
  sending(true);
  waiting = setTimeout(busy, SEEN, true);
});
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  // A network that wants a sign-in of its own answers with a page of its own.
  if (detail.xhr.status === 200 && !wordOf(detail.xhr)) Object.assign(detail, { shouldSwap: false, isError: true });
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (!decides(event)) return commented(event);
  sending(false);
  clearTimeout(waiting);
  if (redirects(event) && leaving) keepVote(event.detail.requestConfig); // signed out: sent once signed in again
  else if (event.detail.successful) calm();
  else busy(false);
});
document.addEventListener("htmx:sendError", unsent);
document.addEventListener("htmx:timeout", unsent);
document.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  if (away(status)) unsent(event);
  else trouble({ 403: "stale", 404: "gone" }[status] ?? "failed");
});

// A double click on a plain form: its second half must not send the form again.
document.addEventListener("click", (event) => {
  if (event.detail > 1 && event.target.closest?.("[data-decides] button")) event.preventDefault();
}, true);
