/** The screen on which a reader shows who she is: a button, an agreed code, or a code by SMS. */
import type { Claimant, ReaderApi, SlipFacts } from "./api.ts";
import { alertBox, button, h, paragraph } from "./dom.ts";
import { card, heading, show } from "./screens.ts";
import { sayDay, sayTrouble, texts } from "./texts.ts";
import { troubleOf, type ReaderError } from "./trouble.ts";

/** Troubles that this screen tells itself; the others end the visit and are thrown on to `fail`. */
const INLINE = new Set(["proof-failed", "proof-paused", "code-paused", "offline", "server"]);

interface Stage {
  place: HTMLElement;
  api: ReaderApi;
  facts: SlipFacts;
  /** Try a proof; rejects with a ReaderError. */
  prove: (claimant: Claimant) => Promise<void>;
  fail: (error: ReaderError) => void;
}

export function showProof(stage: Stage): void {
  if (stage.facts.proof.kind === "sms") askSms(stage);
  else if (stage.facts.proof.kind === "code") askCode(stage, codeWords());
  else askClick(stage);
}

/** Who wrote, and until when. Everything here comes from the server's envelope; the signed sender is shown later. */
function envelope({ facts }: Stage): HTMLElement {
  const sender = facts.sender.name || facts.sender.address;
  return h(
    "dl",
    { class: "zegel-facts" },
    h("dt", {}, texts.from),
    h("dd", {}, sender === facts.organisation.name ? sender : `${sender}, ${facts.organisation.name}`),
    h("dt", {}, texts.until),
    h("dd", {}, sayDay(new Date(facts.expires))),
  );
}

function askClick(stage: Stage): void {
  const title = texts.greeting(stage.facts.organisation.name);
  const open = button(texts.openMessage, "primary");
  const notice = h("div", { role: "status" });
  open.onclick = () =>
    busy(open, async () => {
      notice.replaceChildren();
      await attempt(stage, { proof: { kind: "mail" } }, (error) => notice.replaceChildren(alertBox("error", sayTrouble(error).text)));
    });
  const actions = h("div", { class: "utrecht-button-group" }, open);
  show(stage.place, title, card(heading(title), envelope(stage), rule(), paragraph(texts.mailProof), notice, actions));
}

interface CodeWords {
  title: string;
  intro: string;
  label: string;
  hint: string;
  sms: boolean;
}

const codeWords = (): CodeWords => ({ title: texts.codeTitle, intro: texts.codeExplained, label: texts.codeLabel, hint: "", sms: false });

function askSms(stage: Stage): void {
  const { hint } = stage.facts.proof;
  const sendCode = button(texts.smsSend, "primary");
  const notice = h("div", { role: "status" });
  const next = (): void =>
    askCode(stage, { title: texts.codeTitle, intro: texts.smsSent(hint), label: texts.smsLabel, hint: texts.smsExample, sms: true });
  sendCode.onclick = () =>
    busy(sendCode, async () => {
      notice.replaceChildren();
      if (await request(stage, (error) => notice.replaceChildren(alertBox("error", sayTrouble(error).text)))) next();
    });
  const actions = h("div", { class: "utrecht-button-group" }, sendCode);
  const title = texts.greeting(stage.facts.organisation.name);
  show(stage.place, title, card(heading(title), envelope(stage), rule(), paragraph(texts.smsExplained(hint)), notice, actions));
}

function askCode(stage: Stage, words: CodeWords): void {
  const field = codeField(words);
  const open = h("button", { type: "submit", class: "utrecht-button utrecht-button--primary-action" }, texts.openMessage);
  const notice = h("div", { role: "status" });
  const actions = h("div", { class: "utrecht-button-group" }, open);
  if (words.sms) actions.append(againButton(stage, notice));
  const form = h("form", { novalidate: true }, field.element, notice, actions);
  form.onsubmit = (event) => {
    event.preventDefault();
    const code = words.sms ? field.input.value.replace(/\D/g, "") : field.input.value.trim();
    if (!code) return field.say(texts.emptyCode);
    if (words.sms && code.length !== 6) return field.say(texts.shortCode);
    void busy(open, async () => {
      field.say("");
      notice.replaceChildren();
      await attempt(stage, { proof: { kind: words.sms ? "sms" : "code", code } }, (error) => {
        field.say(sayTrouble(error).text);
      });
    });
  };
  const about = words.sms ? null : envelope(stage);
  show(stage.place, words.title, card(heading(words.title), about, about && rule(), paragraph(words.intro), form));
}

function againButton(stage: Stage, notice: HTMLElement): HTMLButtonElement {
  const again = button(texts.smsAgain, "secondary");
  again.onclick = () =>
    busy(again, async () => {
      notice.replaceChildren();
      const sent = await request(stage, (error) => notice.replaceChildren(alertBox("error", sayTrouble(error).text)));
      if (sent) notice.replaceChildren(alertBox("info", texts.smsSentAgain));
    });
  return again;
}

interface Field {
  element: HTMLElement;
  input: HTMLInputElement;
  /** Show an error at the field and go there; an empty text takes it away. */
  say: (text: string) => void;
}

function codeField(words: CodeWords): Field {
  const input = h("input", {
    id: "code",
    name: "code",
    type: "text",
    class: `utrecht-textbox utrecht-textbox--html-input${words.sms ? " zegel-code" : ""}`,
    autocomplete: words.sms ? "one-time-code" : "off",
    autocapitalize: "off",
    spellcheck: "false",
    ...(words.sms ? { inputmode: "numeric", maxlength: "11" } : { maxlength: "200" }),
  });
  const hint = h("div", { class: "utrecht-form-field-description", id: "code-hint", hidden: !words.hint }, words.hint);
  const error = h("div", { class: "utrecht-form-field-error-message", id: "code-error", role: "alert" });
  const label = h("div", { class: "utrecht-form-field__label" }, h("label", { class: "utrecht-form-label", for: "code" }, words.label));
  const element = h("div", { class: "utrecht-form-field utrecht-form-field--text" }, label, hint, error, h("div", { class: "utrecht-form-field__input" }, input));
  const describe = (wrong: boolean): void => {
    const ids = [words.hint && "code-hint", wrong && "code-error"].filter(Boolean).join(" ");
    if (ids) input.setAttribute("aria-describedby", ids);
    else input.removeAttribute("aria-describedby");
  };
  const say = (text: string): void => {
    error.textContent = text;
    error.hidden = !text;
    element.classList.toggle("utrecht-form-field--invalid", Boolean(text));
    input.classList.toggle("utrecht-textbox--invalid", Boolean(text));
    input.setAttribute("aria-invalid", String(Boolean(text)));
    describe(Boolean(text));
    if (text) input.focus();
  };
  say("");
  return { element, input, say };
}

const rule = (): HTMLElement => h("hr", { class: "utrecht-separator" });

/** Ask for a code by SMS; false when it was refused, and `say` told why. */
async function request(stage: Stage, say: (error: ReaderError) => void): Promise<boolean> {
  try {
    await stage.api.sendCode();
    return true;
  } catch (error) {
    tell(stage, error, say);
    return false;
  }
}

async function attempt(stage: Stage, claimant: Claimant, say: (error: ReaderError) => void): Promise<void> {
  try {
    await stage.prove(claimant);
  } catch (error) {
    tell(stage, error, say);
  }
}

function tell(stage: Stage, error: unknown, say: (error: ReaderError) => void): void {
  const trouble = troubleOf(error, "server");
  if (INLINE.has(trouble.trouble)) say(trouble);
  else stage.fail(trouble);
}

/** One click, one request: the button says that it is busy and takes no second click. */
async function busy(control: HTMLButtonElement, work: () => Promise<void>): Promise<void> {
  if (control.getAttribute("aria-disabled") === "true") return;
  const label = control.textContent;
  control.setAttribute("aria-disabled", "true");
  control.textContent = texts.busy;
  try {
    await work();
  } finally {
    control.removeAttribute("aria-disabled");
    control.textContent = label;
  }
}
