// What the page says aloud: the line for screen readers, and the banner of what went wrong, each thing once.
const region = () => document.querySelector("[data-trouble]");
const LOOKS = { kept: "warn", lost: "warn", out: "warn", sent: "good" };

export function announce(text) {
  const line = document.querySelector("[data-announcer]");
  if (line) line.textContent = text ?? "";
}

export function words(name, values = {}) {
  const text = document.querySelector("[data-announcer]")?.dataset[name] ?? "";
  return Object.entries(values).reduce((said, [key, value]) => said.replaceAll(`{${key}}`, value), text);
}

export function trouble(kind) {
  const element = region();
  if (!element || element.dataset.now === kind) return;
  element.dataset.now = kind;
  const banner = document.createElement("div");
  banner.className = `banner banner--${LOOKS[kind] ?? "bad"}`;
  const text = document.createElement("p");
  text.textContent = element.dataset[kind];
  banner.append(text);
  if (element.dataset.reloads.split(" ").includes(kind)) banner.append(reload(element.dataset.reload));
  element.replaceChildren(banner);
}

export function calm(kind) {
  const element = region();
  if (!element || (kind && element.dataset.now !== kind)) return;
  delete element.dataset.now;
  element.replaceChildren();
}

function reload(label) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button--small";
  button.textContent = label;
  button.addEventListener("click", () => window.location.reload());
  return button;
}
