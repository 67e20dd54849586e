// Small values kept in this browser; where storage is blocked or full they last as long as the page.
const OURS = "juryroom-";
const page = new Map();

export function recall(name, otherwise = null) {
  try {
    const text = localStorage.getItem(OURS + name);
    if (text !== null) return JSON.parse(text);
  } catch {
    /* blocked, or not written by us */
  }
  return page.get(name) ?? otherwise;
}

export function remember(name, value) {
  page.set(name, value);
  try {
    localStorage.setItem(OURS + name, JSON.stringify(value));
  } catch {
    /* as above */
  }
}

export function forget(name) {
  page.delete(name);
  try {
    localStorage.removeItem(OURS + name);
  } catch {
    /* as above */
  }
}

export function names(prefix) {
  let stored = [];
  try {
    stored = Object.keys(localStorage).filter((key) => key.startsWith(OURS)).map((key) => key.slice(OURS.length));
  } catch {
    /* as above */
  }
  return [...new Set([...stored, ...page.keys()])].filter((name) => name.startsWith(prefix));
}

export function whenGone(prefix, tell) {
  // Another tab has forgotten it.
  window.addEventListener("storage", (event) => {
    if (event.newValue === null && event.key?.startsWith(OURS + prefix)) tell(event.key.slice(OURS.length));
  });
}
