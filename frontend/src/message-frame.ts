/**
 * A sender's HTML in a frame of its own: `sandbox` without `allow-scripts`, so nothing in it runs, submits or navigates this
 * page, whatever the sanitiser let through; links open a new tab. `allow-same-origin` is for us only: without it the page
 * could not give the frame its height, its styles and its pictures. The frame's CSP loads nothing.
 */
import { CID_MARK, STYLE_MARK, type SafeHtml } from "./sanitise.ts";
import { frameShell } from "./trusted.ts";

const BASE = `
  :root { font: 1.125rem/1.5 "Source Sans 3 Variable", system-ui, sans-serif; color: #17212e; background: #fff; }
  body { margin: 0; overflow-wrap: anywhere; display: flow-root; }
  img { max-width: 100%; height: auto; }
  table { max-width: 100%; }
  a { color: #17446b; }
  a:focus-visible { outline: 3px solid #000; }
  blockquote { margin-inline: 1rem 0; padding-inline-start: 0.75rem; border-inline-start: 3px solid #cbd3dc; }
  pre { white-space: pre-wrap; }
`;

/** Put the message into `place`; pictures come later, through {@link showPictures}. */
export function showHtml(place: HTMLElement, safe: SafeHtml, title: string, language: string): Promise<HTMLIFrameElement> {
  const frame = document.createElement("iframe");
  frame.className = "zegel-frame";
  frame.title = title;
  frame.setAttribute("sandbox", "allow-same-origin allow-popups allow-popups-to-escape-sandbox");
  frame.referrerPolicy = "no-referrer";
  return new Promise((resolve) => {
    frame.addEventListener("load", () => resolve(fill(frame, safe, title, language)), { once: true });
    frame.srcdoc = frameShell();
    place.append(frame);
  });
}

function fill(frame: HTMLIFrameElement, safe: SafeHtml, title: string, language: string): HTMLIFrameElement {
  const inside = frame.contentDocument!;
  const Sheet = (frame.contentWindow as Window & { CSSStyleSheet: typeof CSSStyleSheet }).CSSStyleSheet;
  const sheet = new Sheet();
  sheet.replaceSync(BASE);
  safe.rules.forEach((rule, number) => sheet.insertRule(`[${STYLE_MARK}="${number}"]{${rule}}`, sheet.cssRules.length));
  for (const rule of fontRules()) sheet.insertRule(rule, sheet.cssRules.length);
  inside.adoptedStyleSheets = [sheet];
  inside.title = title;
  inside.documentElement.lang = language;
  inside.body.append(inside.importNode(safe.fragment, true));
  fit(frame);
  new ResizeObserver(() => fit(frame)).observe(inside.body);
  return frame;
}

/** The portal's own fonts, with addresses that hold in another document. */
function fontRules(): string[] {
  return [...document.styleSheets].flatMap((sheet) =>
    [...sheet.cssRules]
      .filter((rule) => rule instanceof CSSFontFaceRule)
      .map((rule) => rule.cssText.replace(/url\("?([^")]+)"?\)/g, (_, path: string) => `url("${new URL(path, sheet.href ?? location.href).href}")`)),
  );
}

/** As high as its content: one scroll bar, and a printed message is whole. */
function fit(frame: HTMLIFrameElement): void {
  const inside = frame.contentDocument;
  if (!inside) return;
  const sideways = inside.documentElement.scrollWidth > inside.documentElement.clientWidth ? 24 : 0;
  frame.style.height = `${Math.ceil(inside.body.getBoundingClientRect().height) + sideways}px`;
}

/** Give the pictures of one Content-ID their bytes. */
export function showPictures(frame: HTMLIFrameElement, cid: string, picture: Blob): void {
  const url = URL.createObjectURL(picture);
  for (const element of frame.contentDocument?.querySelectorAll(`[${CID_MARK}]`) ?? []) {
    if (element.getAttribute(CID_MARK) === cid && element.tagName === "IMG") element.setAttribute("src", url);
  }
}
