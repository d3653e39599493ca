/** The little of `bytes.ts` that the workers need; apart, so that they need not carry a library of encodings. */
export type Bytes = Uint8Array<ArrayBuffer>;

export const toHexDigits = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
