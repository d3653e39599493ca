/**
 * Trusted Types: under `require-trusted-types-for 'script'` a browser refuses text where code could start. This policy lets
 * exactly two constants through; DOMPurify has a policy of its own (`dompurify`).
 */
const OPENER = new URL("./opener.js", import.meta.url).href;

/**
 * The empty page of a message. Its own CSP comes on top of the portal's: nothing is loaded but the portal's fonts and the
 * pictures that the portal itself puts in. The portal has its name there: to Firefox, `'self'` is nobody in such a page.
 */
const FRAME_SHELL =
  '<!doctype html><html><head><meta charset="utf-8">' +
  `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src blob: data:; font-src ${new URL(OPENER).origin}">` +
  '<meta name="referrer" content="no-referrer"><title>-</title></head><body></body></html>';

interface Policy {
  createHTML(text: string): string;
  createScriptURL(text: string): string;
}

interface PolicyFactory {
  createPolicy(name: string, rules: Policy): Policy;
}

const refuse = (): never => {
  throw new TypeError("not one of our constants");
};

const rules: Policy = {
  createHTML: (text) => (text === FRAME_SHELL ? text : refuse()),
  createScriptURL: (text) => (text === OPENER ? text : refuse()),
};

const factory = (globalThis as { trustedTypes?: PolicyFactory }).trustedTypes;
const policy = factory ? factory.createPolicy("zegel", rules) : rules;

export const frameShell = (): string => policy.createHTML(FRAME_SHELL);
export const newOpenWorker = (): Worker => new Worker(policy.createScriptURL(OPENER), { type: "module" });
