/**
 * A sender's HTML made harmless (docs/format.md §4.1): structure, text, links and pictures that came with the message.
 * It is isolated in a frame afterwards (`message-frame.ts`), so a mistake here is not yet a hole.
 */
import purifier from "dompurify";

/** Styles that a letter needs. Nothing that loads, moves out of its place or covers something. */
const STYLES = [
  "color", "background-color", "font-family", "font-size", "font-style", "font-weight", "line-height", "letter-spacing",
  "text-align", "text-decoration-line", "text-decoration-style", "text-indent", "text-transform", "vertical-align",
  "white-space", "list-style-type", "direction", "border-collapse", "border-spacing", "width", "max-width", "height",
  ...["top", "right", "bottom", "left"].flatMap((side) => [
    `padding-${side}`, `margin-${side}`, `border-${side}-width`, `border-${side}-style`, `border-${side}-color`,
  ]),
]; // prettier-ignore

const LOADS = /url|image|element|cross-fade|attr|var|env|src/i;
const LINK = /^(?:https?:\/\/|mailto:|tel:)/i;
const PICTURE = /^data:image\/(?:png|jpeg|gif|webp);base64,/i;
/** Marks of ours. A sender who sets one only repeats a style or a picture of the same message. */
export const STYLE_MARK = "data-zegel-style";
export const CID_MARK = "data-zegel-cid";

export interface SafeHtml {
  fragment: DocumentFragment;
  /** One rule per styled element, by {@link STYLE_MARK}. */
  rules: string[];
  /** Content-IDs of pictures that the message shows. */
  cids: Set<string>;
  /** Whether the sender's HTML wanted something from elsewhere; it was left out. */
  blocked: boolean;
}

/** Sanitise `html`. Inline styles come back as rules for a constructed style sheet, because the CSP allows no others. */
export function sanitise(html: string): SafeHtml {
  const rules: string[] = [];
  const cids = new Set<string>();
  let blocked = false;
  purifier.addHook("uponSanitizeAttribute", (element, attribute) => {
    if (attribute.attrName === "style") {
      const style = safeStyle(attribute.attrValue);
      if (style) element.setAttribute(STYLE_MARK, String(rules.push(style) - 1));
      attribute.keepAttr = false;
    } else if (attribute.attrName === "src") {
      const value = attribute.attrValue.trim();
      if (/^cid:/i.test(value)) {
        const cid = contentId(value.slice(4));
        cids.add(cid);
        element.setAttribute(CID_MARK, cid);
        attribute.keepAttr = false;
      } else if (!PICTURE.test(value)) {
        blocked = true;
        attribute.keepAttr = false;
      }
    } else if (attribute.attrName === "href" && !(element.tagName === "A" && LINK.test(attribute.attrValue.trim()))) {
      attribute.keepAttr = false;
    }
  });
  purifier.addHook("afterSanitizeAttributes", (element) => {
    if (element.tagName !== "A" || !element.hasAttribute("href")) return;
    element.setAttribute("target", "_blank");
    element.setAttribute("rel", "noopener noreferrer");
  });
  const fragment = purifier.sanitize(html, {
    RETURN_DOM_FRAGMENT: true,
    USE_PROFILES: { html: true },
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    ADD_ATTR: [STYLE_MARK, CID_MARK],
    FORBID_TAGS: [
      "style", "link", "base", "meta", "form", "input", "button", "textarea", "select", "option", "fieldset", "dialog",
      "details", "summary", "audio", "video", "source", "track", "picture", "canvas", "map", "area", "template", "slot", "marquee",
    ],
    FORBID_ATTR: [
      "id", "class", "name", "srcset", "background", "ping", "target", "action", "formaction", "poster", "tabindex",
      "accesskey", "autofocus", "contenteditable", "popover", "popovertarget", "usemap", "is", "slot", "part",
    ],
  }); // prettier-ignore
  purifier.removeAllHooks();
  return { fragment, rules, cids, blocked };
}

/** The declarations of an inline style that may stay; the browser's own parser reads them. */
function safeStyle(text: string): string {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`x{${text}}`);
    const rule = sheet.cssRules[0];
    if (!(rule instanceof CSSStyleRule)) return "";
    return STYLES.map((name) => [name, rule.style.getPropertyValue(name)] as const)
      .filter(([, value]) => value && value.length < 200 && !(LOADS.test(value) && value.includes("(")))
      .map(([name, value]) => `${name}:${value};`)
      .join("");
  } catch {
    return "";
  }
}

/** A `cid:` URL's Content-ID (RFC 2392 §2: percent-encoded). */
function contentId(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
