/** ChaCha20-Poly1305 for chunks: the browser's own where it has it, else noble's. */
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import type { Bytes } from "./hex.ts";

export interface ChunkCipher {
  /** Open `sealed` (with its tag) into `into`; throws or rejects when the tag is wrong. */
  open(nonce: Bytes, sealed: Bytes, into: Bytes): Promise<void> | void;
  /** Seal `plain` into `into`, which has room for the tag. */
  seal(nonce: Bytes, plain: Bytes, into: Bytes): Promise<void> | void;
}

/** Noble: JavaScript, the same everywhere. */
export function portableCipher(key: Bytes): ChunkCipher {
  return {
    open(nonce, sealed, into) {
      chacha20poly1305(key, nonce).decrypt(sealed, into);
    },
    seal(nonce, plain, into) {
      chacha20poly1305(key, nonce).encrypt(plain, into);
    },
  };
}

/** WebCrypto's ChaCha20-Poly1305 (Chromium has it since 2026); null where the browser has none. */
export async function browserCipher(key: Bytes): Promise<ChunkCipher | null> {
  let imported: CryptoKey;
  try {
    imported = await crypto.subtle.importKey("raw-secret" as "raw", key, "ChaCha20-Poly1305", false, ["encrypt", "decrypt"]);
  } catch {
    return null;
  }
  const facts = (iv: Bytes) => ({ name: "ChaCha20-Poly1305", iv });
  return {
    async open(nonce, sealed, into) {
      into.set(new Uint8Array(await crypto.subtle.decrypt(facts(nonce), imported, sealed)));
    },
    async seal(nonce, plain, into) {
      into.set(new Uint8Array(await crypto.subtle.encrypt(facts(nonce), imported, plain)));
    },
  };
}
