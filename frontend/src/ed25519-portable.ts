/** Ed25519 for browsers without it; in a file of its own so that the others need not fetch it. */
import { ed25519 } from "@noble/curves/ed25519.js";
import type { Bytes } from "./bytes.ts";

/** `zip215: false` is RFC 8032's strict reading: no small-order or non-canonical points. */
export const verifyPortably = (signature: Bytes, message: Bytes, publicKey: Bytes): boolean =>
  ed25519.verify(signature, message, publicKey, { zip215: false });
