/** Ed25519 (RFC 8032): the browser's own (Chromium 137, Firefox 129, Safari 17), else noble's, fetched when needed. */
import type { Bytes } from "./bytes.ts";

export async function verifyEd25519(signature: Bytes, message: Bytes, publicKey: Bytes): Promise<boolean> {
  let key: CryptoKey;
  try {
    key = await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
  } catch {
    return (await import("./ed25519-portable.js")).verifyPortably(signature, message, publicKey);
  }
  return crypto.subtle.verify("Ed25519", key, signature, message);
}
