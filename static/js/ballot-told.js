// What became of a vote on an item that is not on the page any more: a banner that stays until it is closed.
import { bannerOf, button } from "./ballot-say.js";

function saidIn(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  return [...page.querySelectorAll("[data-said], [data-error]")].map((line) => line.textContent).join(" ");
}

export function tell(kind, html = "") {
  const element = document.querySelector("[data-told]");
  const banner = bannerOf("warn", element.dataset[kind].replace("{said}", () => saidIn(html)));
  banner.append(button(element.dataset.close, () => banner.remove()));
  element.append(banner);
}
