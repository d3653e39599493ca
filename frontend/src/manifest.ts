/** The signed manifest (docs/format.md §4): what a reader sees. Written by a stranger, so every member is checked. */
import { isIdentifier } from "./identifier.ts";
import { parseStrict } from "./strict-json.ts";
import { ReaderError } from "./trouble.ts";

export interface Person {
  name: string;
  address: string;
}

export interface Attachment {
  blob: string;
  name: string;
  type: string;
  size: number;
  pieces: string;
  cid: string;
}

export interface Manifest {
  parcel: string;
  organisation: { name: string; host: string };
  from: Person;
  to: Person[];
  cc: Person[];
  subject: string;
  text: string;
  html: string;
  class: number;
  language: string;
  created: Date;
  expires: Date;
  archive: boolean;
  attachments: Attachment[];
}

export interface SignatureLine {
  key: string;
  host: string;
  sender: string;
  time: string;
  ed25519: string;
  mldsa65: string;
}

/** Both lines of blob 0, apart. */
export interface SignedManifest {
  line: Uint8Array;
  signature: unknown;
  manifest: Manifest;
}

const LF = 0x0a;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
const UNSAFE_NAME =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff/\\]/u;

/** Read the plaintext of blob 0; throws `damaged` for anything that is not a manifest of `parcel`. */
export function readSigned(plaintext: Uint8Array, parcel: string): SignedManifest {
  try {
    const end = plaintext.indexOf(LF);
    const last = plaintext.length - 1;
    if (end < 0 || plaintext[last] !== LF || plaintext.indexOf(LF, end + 1) !== last) throw new SyntaxError("not two lines");
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const line = plaintext.subarray(0, end);
    const manifest = readManifest(parseStrict(decoder.decode(line)));
    if (manifest.parcel !== parcel) throw new SyntaxError("manifest of another parcel");
    return { line, manifest, signature: parseStrict(decoder.decode(plaintext.subarray(end + 1, last))) };
  } catch (error) {
    throw new ReaderError("damaged", { cause: error });
  }
}

function readManifest(value: unknown): Manifest {
  const members = record(value);
  check(members["zegel"] === "manifest v1", "version");
  const organisation = record(members["organisation"]);
  const level = members["class"];
  check(Number.isInteger(level) && (level as number) >= 0 && (level as number) <= 4, "class");
  const subject = text(members["subject"]);
  check(subject.length <= 998, "subject");
  return {
    parcel: identifier(members["parcel"]),
    organisation: { name: oneLine(organisation["name"]), host: oneLine(organisation["host"]) },
    from: person(members["from"]),
    to: list(members["to"]).map(person),
    cc: list(members["cc"]).map(person),
    subject: subject.replace(CONTROL, " "),
    text: text(members["text"]),
    html: text(members["html"]),
    class: level as number,
    language: text(members["language"]),
    created: moment(members["created"]),
    expires: moment(members["expires"]),
    archive: members["archive"] === true,
    attachments: list(members["attachments"]).map(attachment),
  };
}

function attachment(value: unknown): Attachment {
  const members = record(value);
  const size = members["size"];
  const name = text(members["name"]);
  const pieces = text(members["pieces"]);
  check(Number.isSafeInteger(size) && (size as number) >= 0, "size");
  check(/^[0-9a-f]{64}$/.test(text(members["sha256"])), "sha256");
  check(/^[0-9a-f]{64}$/.test(pieces), "pieces");
  check(name !== "" && [...name].length <= 150 && name !== "." && name !== ".." && !UNSAFE_NAME.test(name), "name");
  return {
    blob: identifier(members["blob"]),
    name,
    type: oneLine(members["type"]).slice(0, 255),
    size: size as number,
    pieces,
    cid: oneLine(members["cid"]).slice(0, 255),
  };
}

function person(value: unknown): Person {
  const members = record(value);
  return { name: shown(members["name"], 200), address: shown(members["address"], 320) };
}

/** As `parcels.addresses.shown_name`: what cannot be seen is left out, or it would turn round what stands beside it. */
export function shown(value: unknown, most: number): string {
  const line = text(value).replace(/\s/gu, " ").replace(/\p{C}/gu, "").replace(/ +/g, " ").trim();
  return [...line].slice(0, most).join("").trim();
}

function moment(value: unknown): Date {
  const spelled = text(value);
  const date = new Date(spelled);
  check(TIME.test(spelled) && !Number.isNaN(date.getTime()), "time");
  return date;
}

function identifier(value: unknown): string {
  check(isIdentifier(value), "identifier");
  return value as string;
}

const oneLine = (value: unknown): string => text(value).replace(CONTROL, " ").trim();

function text(value: unknown): string {
  check(typeof value === "string", "text");
  return value as string;
}

function list(value: unknown): unknown[] {
  check(Array.isArray(value), "list");
  return value as unknown[];
}

export function record(value: unknown): Record<string, unknown> {
  check(typeof value === "object" && value !== null && !Array.isArray(value), "object");
  return value as Record<string, unknown>;
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new SyntaxError(`bad ${what}`);
}
