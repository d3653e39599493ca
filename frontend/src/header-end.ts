/** Where the header of an age file ends; apart from the rest so that the worker need not carry a whole age library. */
export const HEADER_LIMIT = 1024 * 1024;
export const NONCE_BYTES = 16;
/** `--- `, 43 characters of base64, LF. */
const MAC_LINE = 4 + 43 + 1;

/** Length of the header at the start of `bytes`, 0 while its end is not there yet; throws beyond the limit. */
export function headerEnd(bytes: Uint8Array): number {
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) {
    if (bytes[at + 1] === 0x2d && bytes[at + 2] === 0x2d && bytes[at + 3] === 0x2d) {
      const end = at + 1 + MAC_LINE;
      return end <= bytes.length ? end : 0;
    }
  }
  if (bytes.length > HEADER_LIMIT) throw new RangeError("header too long");
  return 0;
}
