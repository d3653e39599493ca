/** The encodings of docs/format.md §1, strict in both directions: two spellings of the same bytes would hide a change. */
import { base32nopad, base64, base64urlnopad } from "@scure/base";
import { isIdentifier } from "./identifier.ts";
import { toHexDigits, type Bytes } from "./hex.ts";

export type { Bytes } from "./hex.ts";

export const utf8 = (text: string): Bytes => new TextEncoder().encode(text) as Bytes;
export const toHex = toHexDigits;
export const fromBase64 = (text: string): Bytes => base64.decode(text) as Bytes;
export const toBase32 = (bytes: Uint8Array): string => base32nopad.encode(bytes);
/** Refuses spare bits that are not zero, padding, and any other alphabet. */
export const fromBase64Url = (text: string): Bytes => base64urlnopad.decode(text) as Bytes;

/** The 16 bytes of an identifier. */
export function identifierBytes(identifier: string): Bytes {
  if (!isIdentifier(identifier)) throw new TypeError("not an identifier");
  return base32nopad.decode(identifier.toUpperCase()) as Bytes;
}

export function concat(...parts: Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
