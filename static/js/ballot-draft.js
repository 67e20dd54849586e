// What was filled in on the item in hand, kept in this tab: a reload or an expired session loses nothing.
const KEPT = "juryroom-draft";

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT)) ?? {};
  } catch {
    return {};
  }
}

const kept = (field) => field.name && field.matches("[data-draft], [data-marks] input:not([type=hidden])");

export function keep(ballot, field) {
  if (!ballot || !kept(field)) return;
  const draft = read();
  const token = ballot.dataset.token;
  const fields = { ...(draft.token === token ? draft.fields : {}), [field.name]: field.value };
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ token, fields }));
  } catch {
    /* storage is blocked or full: the draft lasts as long as the page */
  }
}

export function restore(ballot) {
  const { token, fields } = read();
  if (!ballot || !token || token !== ballot.dataset.token) return;
  for (const field of ballot.querySelectorAll("[data-draft], [data-marks] input")) {
    if (!(field.name in fields)) continue;
    if (field.type === "radio") field.checked = field.value === fields[field.name];
    else field.value = fields[field.name];
  }
}
