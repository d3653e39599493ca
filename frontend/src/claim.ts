/** The claim (docs/format.md §3): link secret and release share together give the reader's identity. */
import { bech32 } from "@scure/base";
import { concat, identifierBytes, utf8, type Bytes } from "./bytes.ts";

export const HALF_BYTES = 32;

/** The 32-byte X-Wing seed. Both halves must be 32 bytes, else the boundary between them could be moved. */
export async function deriveSeed(secret: Bytes, share: Bytes, slip: string): Promise<Bytes> {
  if (secret.length !== HALF_BYTES || share.length !== HALF_BYTES) throw new TypeError("both halves are 32 bytes");
  const key = await crypto.subtle.importKey("raw", concat(secret, share), "HKDF", false, ["deriveBits"]);
  const facts = { name: "HKDF", hash: "SHA-256", salt: identifierBytes(slip), info: utf8("zegel claim v1") };
  return new Uint8Array(await crypto.subtle.deriveBits(facts, key, 256));
}

/** Spell a seed as age's post-quantum identity. */
export const spellIdentity = (seed: Bytes): string => bech32.encodeFromBytes("AGE-SECRET-KEY-PQ-", seed).toUpperCase();
