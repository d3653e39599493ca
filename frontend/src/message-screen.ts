/** The opened message: whether the sender is verified, the letter itself, its pictures and its attachments. */
import { attachmentList } from "./attachments.ts";
import { alertBox, h, paragraph } from "./dom.ts";
import type { Attachment, Manifest, Person } from "./manifest.ts";
import { showHtml, showPictures } from "./message-frame.ts";
import { openBlob } from "./opener.ts";
import type { Parcel } from "./parcel.ts";
import { card, heading, show } from "./screens.ts";
import type { Organisation } from "./signature.ts";
import { sayDay, sayMoment, texts } from "./texts.ts";
import type { ReaderError } from "./trouble.ts";

const PICTURE_TYPES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
/** Larger pictures are attachments like others: they would be fetched without the reader asking for it. */
const PICTURE_BYTES = 10 * 1024 * 1024;

/** `elsewhere` is the other organisation that a message in an own mailbox came from: it is never taken for ours. */
export async function showMessage(
  place: HTMLElement,
  parcel: Parcel,
  fail: (error: ReaderError) => void,
  elsewhere?: Organisation["organisation"],
): Promise<void> {
  const { manifest } = parcel;
  const subject = manifest.subject || texts.noSubject;
  const body = h("div", { class: "zegel-message", lang: manifest.language });
  const letter = card(heading(subject), envelope(parcel), h("hr", { class: "utrecht-separator" }), body);
  const verdict = parcel.verified
    ? alertBox("ok", ...saySigned(manifest, elsewhere))
    : alertBox("warning", texts.notVerified);
  verdict.dataset["verified"] = String(parcel.verified);
  show(place, subject, verdict, letter);
  const inline = manifest.html ? await fillHtml(body, parcel, letter) : fillText(body, manifest.text);
  const rest = manifest.attachments.filter((attachment) => !inline.has(attachment));
  const list = attachmentList(parcel, rest, fail);
  if (list) letter.append(list);
}

function saySigned(manifest: Manifest, elsewhere?: Organisation["organisation"]): (Node | string)[] {
  const { name } = manifest.organisation;
  if (!elsewhere) return emphasise(texts.verified(name), name);
  // Whatever it calls itself: the domain of the sender is what vouches for its keys.
  const domain = manifest.from.address.slice(manifest.from.address.lastIndexOf("@") + 1);
  return emphasise(texts.verifiedElsewhere(elsewhere.name, domain), domain);
}

function envelope({ manifest }: Parcel): HTMLElement {
  const facts = h("dl", { class: "zegel-facts" });
  const add = (name: string, value: string): void => facts.append(h("dt", {}, name), h("dd", {}, value));
  add(texts.from, sayPerson(manifest.from));
  if (manifest.to.length) add(texts.to, manifest.to.map(sayPerson).join(", "));
  if (manifest.cc.length) add(texts.copyTo, manifest.cc.map(sayPerson).join(", "));
  add(texts.date, sayMoment(manifest.created));
  add(texts.until, sayDay(manifest.expires));
  return facts;
}

const sayPerson = ({ name, address }: Person): string => (name ? `${name} (${address})` : address);

function emphasise(sentence: string, part: string): (Node | string)[] {
  const at = part ? sentence.indexOf(part) : -1;
  if (at < 0) return [sentence];
  return [sentence.slice(0, at), h("b", {}, part), sentence.slice(at + part.length)];
}

function fillText(body: HTMLElement, text: string): Set<Attachment> {
  body.append(text.trim() ? h("div", { class: "zegel-text" }, ...linked(text.trim())) : paragraph(texts.emptyMessage));
  return new Set();
}

/** Web addresses in plain text as links; everything else stays text. */
function linked(text: string): (Node | string)[] {
  return text.split(/(https?:\/\/[^\s<>"“”]+[^\s<>"“”.,;:!?)\]'’])/i).map((part, number) => {
    if (number % 2 === 0) return part;
    return h("a", { class: "utrecht-link utrecht-link--html-a", href: part, target: "_blank", rel: "noopener noreferrer" }, part);
  });
}

/** Show HTML in its frame; returns the attachments that are pictures inside it. */
async function fillHtml(body: HTMLElement, parcel: Parcel, letter: HTMLElement): Promise<Set<Attachment>> {
  const { manifest } = parcel;
  const { sanitise } = await import("./sanitise.ts");
  const safe = sanitise(manifest.html);
  if (safe.blocked) letter.before(alertBox("info", texts.remoteBlocked));
  const pictures = manifest.attachments.filter(
    ({ cid, type, size }) => cid !== "" && safe.cids.has(cid) && PICTURE_TYPES.has(type.toLowerCase()) && size <= PICTURE_BYTES,
  );
  const frame = await showHtml(body, safe, texts.message, manifest.language);
  void fetchPictures(frame, parcel, pictures, body);
  return new Set(pictures);
}

async function fetchPictures(frame: HTMLIFrameElement, parcel: Parcel, pictures: Attachment[], body: HTMLElement): Promise<void> {
  let failed = false;
  for (const picture of pictures) {
    try {
      const type = picture.type.toLowerCase();
      const file = await openBlob(parcel.job(picture, { kind: "memory", type }), parcel.key, () => undefined).file;
      if (file) showPictures(frame, picture.cid, file);
    } catch {
      failed = true;
    }
  }
  if (failed) body.append(alertBox("warning", texts.pictureFailed));
}
