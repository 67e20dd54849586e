// What the page says aloud: the line for screen readers, and the banner of what went wrong, each thing once.
const region = () => document.querySelector("[data-trouble]");
const LOOKS = { kept: "warn", waiting: "warn", lost: "warn", out: "warn", sent: "good" };

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
  const banner = bannerOf(LOOKS[kind] ?? "bad", element.dataset[kind]);
  if (element.dataset.reloads.split(" ").includes(kind)) banner.append(button(element.dataset.reload, () => window.location.reload()));
  element.replaceChildren(banner);
}

export function calm(...kinds) {
  const element = region();
  if (!element || (kinds.length && !kinds.includes(element.dataset.now))) return;
  delete element.dataset.now;
  element.replaceChildren();
}

export function bannerOf(look, said) {
  const banner = document.createElement("div");
  banner.className = `banner banner--${look}`;
  const text = document.createElement("p");
  text.textContent = said;
  banner.append(text);
  return banner;
}

export function button(label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button button--small";
  made.textContent = label;
  made.addEventListener("click", act);
  return made;
}
