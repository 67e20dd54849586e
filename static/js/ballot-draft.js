// What was filled in on an item, kept in this browser by its seat: a reload or an expired session loses nothing.
import { forget, names, recall, remember } from "./ballot-store.js";

const LASTS = 14 * 24 * 3600 * 1000; // milliseconds
const FIELDS = "[data-draft], #cast :is(input:not([type=hidden]), textarea, select)";
const checks = (field) => field.matches("[type=radio], [type=checkbox]");
const key = (field) => `${field.form?.id}.${field.name}`;
const fields = (ballot) => [...ballot.querySelectorAll(FIELDS)].filter((field) => field.name && field.form);

export const draftOf = (token) => `draft:${token}`;

export function keep(ballot) {
  if (!ballot?.dataset.token) return;
  const filled = {};
  for (const field of fields(ballot)) {
    if (!checks(field)) filled[key(field)] = field.value;
    else (filled[key(field)] ??= []).push(...(field.checked ? [field.value] : []));
  }
  const chosen = ballot.querySelector("#cast")?.dataset.chosen ?? "";
  remember(draftOf(ballot.dataset.token), { at: Date.now(), chosen, filled });
}

export function restore(ballot) {
  const draft = ballot?.dataset.token && recall(draftOf(ballot.dataset.token));
  if (!draft) return "";
  for (const field of fields(ballot)) {
    const value = draft.filled[key(field)];
    if (value === undefined) continue;
    if (checks(field)) field.checked = value.includes(field.value);
    else field.value = value;
  }
  return draft.chosen;
}

for (const name of names("draft:")) if (Date.now() - (recall(name)?.at ?? 0) > LASTS) forget(name);
