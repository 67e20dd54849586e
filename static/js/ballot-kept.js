// Votes that could not be sent, kept in this browser by their seats. Never with the token against forged requests.
import { calm } from "./ballot-say.js";
import { forget, names, recall, remember } from "./ballot-store.js";

export const CSRF = "csrfmiddlewaretoken";
export const SAID = "X-Juryroom-Said"; // a header of every answer of ours: what became of the vote, in a word
const OVER = ["recorded", "practised", "skipped", "flagged", "already"];
const PREFIX = "vote:";

export const isOver = (word) => OVER.includes(word);
export const here = () => document.querySelector("#ballot")?.dataset.token ?? "";
export const seatOf = (name) => name.slice(PREFIX.length);
export const isKept = (token) => recall(PREFIX + token) !== null;
export const keptVotes = () => names(PREFIX);

export function keepVote(request) {
  const fields = [...request.formData.entries()].filter(([name]) => name !== CSRF);
  remember(PREFIX + here(), { at: Date.now(), url: request.path, fields });
}

export function letGo(token) {
  forget(PREFIX + token);
  calm("kept", "waiting");
}
