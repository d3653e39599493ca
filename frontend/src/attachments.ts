/** The list of attachments, and downloading them: one by one, or all after each other. */
import { button, h } from "./dom.ts";
import type { Attachment } from "./manifest.ts";
import { MEMORY_BYTES, openBlob } from "./opener.ts";
import type { Parcel } from "./parcel.ts";
import { canChooseFolder, chooseFolder, choosePlace, type Place } from "./save.ts";
import { sayPart, saySize, sayTrouble, texts } from "./texts.ts";
import { troubleOf, type ReaderError } from "./trouble.ts";

/** Troubles after which nothing of this parcel can be fetched any more. */
const ENDS = new Set(["revoked", "expired", "unknown-slip", "ticket-expired"]);

type Fail = (error: ReaderError) => void;

/** The list with its heading and “download all”; `fail` hears of what ends the visit. */
export function attachmentList(parcel: Parcel, shown: Attachment[], fail: Fail): HTMLElement | null {
  if (!shown.length) return null;
  const rows = shown.map((attachment) => new Row(parcel, attachment, fail));
  const list = h("ul", { class: "zegel-files", "aria-labelledby": "attachments" }, ...rows.map((row) => row.element));
  const section = h("section", {}, h("h2", { class: "utrecht-heading-2", id: "attachments" }, texts.attachments(shown.length)), list);
  if (rows.length > 1) {
    const all = button(texts.downloadAll, "secondary", { onclick: () => void downloadAll(rows, all) });
    section.append(h("div", { class: "utrecht-button-group" }, all));
  }
  return section;
}

async function downloadAll(rows: Row[], control: HTMLButtonElement): Promise<void> {
  const whole = rows.reduce((total, row) => total + row.attachment.size, 0);
  let place: ((name: string) => Promise<Place>) | null = null;
  control.disabled = true;
  try {
    // One question for a folder instead of a picker per large file.
    if (whole > MEMORY_BYTES && canChooseFolder()) place = await chooseFolder();
    for (const row of rows) {
      const { name, size } = row.attachment;
      if (!(await row.download(() => (place ? place(name) : choosePlace(name, size))))) break;
    }
  } catch {
    // The reader chose no folder.
  } finally {
    control.disabled = false;
  }
}

class Row {
  readonly element: HTMLElement;
  readonly #state = h("div", { class: "zegel-file__state", role: "status" });
  readonly #note = h("div", { class: "zegel-file__state", hidden: true }, texts.largeMemory);
  readonly #bar: HTMLProgressElement;
  readonly #control: HTMLButtonElement;
  #stop: (() => void) | null = null;
  readonly #parcel: Parcel;
  readonly attachment: Attachment;
  readonly #fail: Fail;

  constructor(parcel: Parcel, attachment: Attachment, fail: Fail) {
    this.#parcel = parcel;
    this.attachment = attachment;
    this.#fail = fail;
    const { name, size } = attachment;
    this.#bar = h("progress", { class: "zegel-progress", max: "1", value: "0", "aria-label": texts.progress(name), hidden: true });
    this.#control = button("", "secondary", { onclick: () => this.#clicked() });
    this.#label(false);
    const about = h(
      "div",
      { class: "zegel-file__about" },
      h("div", { class: "zegel-file__name" }, name),
      h("div", { class: "zegel-file__size" }, `${kindOf(attachment)}, ${saySize(size)}`),
    );
    const badge = h("span", { class: "zegel-file__kind", "aria-hidden": "true" }, kindOf(attachment).slice(0, 4));
    this.element = h("li", { class: "zegel-file" }, badge, about, this.#control, this.#bar, this.#note, this.#state);
  }

  #clicked(): void {
    if (this.#stop) this.#stop();
    else void this.download(() => choosePlace(this.attachment.name, this.attachment.size));
  }

  /** Fetch, open, verify and save; false when it did not come to that. */
  async download(choose: () => Promise<Place>): Promise<boolean> {
    let place: Place | null = null;
    try {
      this.#say("");
      place = await choose();
      this.#note.hidden = !place.heavy;
      const { size } = this.attachment;
      const opening = openBlob(this.#parcel.job(this.attachment, place.sink), this.#parcel.key, (bytes) => this.#progress(size ? bytes / size : 1));
      this.#stop = opening.stop;
      this.#label(true);
      this.#progress(0);
      await place.complete(await opening.file);
      this.#say(texts.checked, "good");
      return true;
    } catch (error) {
      await place?.discard();
      this.#trouble(troubleOf(error, "save-failed"));
      return false;
    } finally {
      this.#stop = null;
      this.#bar.hidden = true;
      this.#label(false);
    }
  }

  #trouble(error: ReaderError): void {
    if (ENDS.has(error.trouble)) this.#fail(error);
    else if (error.trouble === "stopped") this.#say(texts.stopped);
    else this.#say(sayTrouble(error).text, "bad");
  }

  #label(running: boolean): void {
    const { name } = this.attachment;
    const [word, whole] = running ? [texts.stop, texts.stopNamed(name)] : [texts.download, texts.downloadNamed(name)];
    // The visible word stands first, so that who speaks to the computer can say what she sees (WCAG 2.5.3).
    const rest = whole.startsWith(word) ? whole.slice(word.length) : ` ${name}`;
    this.#control.replaceChildren(word, h("span", { class: "zegel-hidden" }, rest));
  }

  #progress(part: number): void {
    this.#bar.hidden = false;
    this.#bar.value = part;
    const text = texts.percent(sayPart(Math.floor(part * 10) / 10));
    // Ten announcements at most, not one per batch.
    if (this.#state.textContent !== text) this.#say(text);
  }

  #say(text: string, kind: "" | "good" | "bad" = ""): void {
    this.#state.textContent = text;
    this.#state.className = `zegel-file__state${kind && ` zegel-file__state--${kind}`}`;
  }
}

/** “PDF”, from the name: that is what the reader's computer will go by. */
function kindOf({ name, type }: Attachment): string {
  const ending = /\.([A-Za-z0-9]{1,8})$/.exec(name)?.[1] ?? type.split("/").pop()?.split(/[.+;-]/).pop() ?? "";
  return ending.toUpperCase();
}
