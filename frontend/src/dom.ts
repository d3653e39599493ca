/** Elements without HTML text: under Trusted Types nothing else would pass, and nothing of a message is ever parsed by us. */
type Child = Node | string | null;
type Attributes = Record<string, string | boolean | ((event: Event) => void)>;

/** `h("p", { class: "x" }, "text")`; a function is a listener for the event that `on…` names. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const ICONS = {
  ok: "M12 2 4 5v6c0 5 3.4 9.6 8 11 4.6-1.4 8-6 8-11V5l-8-3Zm-1 14-4-4 1.4-1.4 2.6 2.6 5.6-5.6 1.4 1.4-7 7Z",
  warning: "M12 2 1 21h22L12 2Zm-1 7h2v6h-2V9Zm0 8h2v2h-2v-2Z",
  error: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Zm-1 5h2v7h-2V7Zm0 9h2v2h-2v-2Z",
  info: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Zm-1 5h2v2h-2V7Zm0 4h2v6h-2v-6Z",
};

export type AlertKind = keyof typeof ICONS;

function icon(kind: AlertKind): SVGElement {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "zegel-icon");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("fill", "currentColor");
  path.setAttribute("d", ICONS[kind]);
  svg.append(path);
  return svg;
}

export const paragraph = (...children: Child[]): HTMLParagraphElement => h("p", { class: "utrecht-paragraph" }, ...children);

/** A coloured notice; one `paragraph` inside, because the component lays out its children in a column. */
export function alertBox(kind: AlertKind, ...children: Child[]): HTMLDivElement {
  const content = h("div", { class: "utrecht-alert__content" }, h("div", { class: "utrecht-alert__message" }, paragraph(...children)));
  const box = h("div", { class: `utrecht-alert utrecht-alert--${kind}` }, h("div", { class: "utrecht-alert__icon" }), content);
  box.firstElementChild!.append(icon(kind));
  return box;
}

export function button(label: string, kind: "primary" | "secondary", attributes: Attributes = {}): HTMLButtonElement {
  return h("button", { type: "button", class: `utrecht-button utrecht-button--${kind}-action`, ...attributes }, label);
}
