/** One screen at a time in `<main>`: what every screen does, and the two simplest ones. */
import { button, h, paragraph } from "./dom.ts";
import { sayTrouble, texts } from "./texts.ts";
import type { ReaderError } from "./trouble.ts";

const organisation = document.title;

/** Show a screen. Its heading gets the focus, so that a screen reader starts there. */
export function show(place: HTMLElement, title: string, ...content: Node[]): void {
  place.replaceChildren(...content);
  place.removeAttribute("aria-busy");
  document.title = `${title} – ${organisation}`;
  place.querySelector("h1")?.focus();
}

export const heading = (text: string): HTMLHeadingElement => h("h1", { class: "utrecht-heading-1", tabindex: "-1" }, text);

export const card = (...children: (Node | null)[]): HTMLElement => h("section", { class: "zegel-card" }, ...children);

/** Something is wrong with all of it; `again` where trying again can help. */
export function showTrouble(place: HTMLElement, error: ReaderError, again?: () => void): void {
  const { title, text } = sayTrouble(error);
  const retry = again ? h("div", { class: "utrecht-button-group" }, button(texts.again, "primary", { onclick: again })) : null;
  const screen = card(heading(title), paragraph(text), retry);
  screen.dataset["trouble"] = error.trouble;
  show(place, title, screen);
}
