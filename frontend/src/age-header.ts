/** The header of an age file: where it ends, and what it gives to an identity. The header work is `age-encryption`'s. */
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { Decrypter } from "age-encryption";
import { utf8, type Bytes } from "./bytes.ts";

/** No stanza of the file is for this identity. */
export class NoMatch extends Error {}

/** The file key; throws {@link NoMatch} when the header is sound but for somebody else. */
export async function unwrap(header: Uint8Array, identity: string): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  try {
    return await decrypter.decryptHeader(header);
  } catch (error) {
    if (error instanceof Error && error.message.startsWith("no identity matched")) throw new NoMatch("no match", { cause: error });
    throw error;
  }
}

/** The key of the payload that follows `header` and `nonce`. */
export const payloadKey = (fileKey: Uint8Array, nonce: Uint8Array): Bytes =>
  hkdf(sha256, fileKey, nonce, utf8("payload"), 32) as Bytes;
