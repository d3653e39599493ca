/** Open an age file that fits in memory: slips, manifests and pictures inside a message. */
import { payloadKey, unwrap } from "./age-header.ts";
import type { Bytes } from "./bytes.ts";
import { portableCipher } from "./cipher.ts";
import { headerEnd, NONCE_BYTES } from "./header-end.ts";
import { PayloadOpener } from "./payload.ts";
import { ReaderError } from "./trouble.ts";

/** The plaintext; throws `NoMatch` when the file is for another identity and `damaged` when it is not sound. */
export async function openSmall(file: Bytes, identity: string): Promise<Bytes> {
  const length = headerOf(file);
  const fileKey = await unwrap(file.subarray(0, length), identity);
  const start = length + NONCE_BYTES;
  if (file.length < start) throw new ReaderError("damaged");
  const opener = new PayloadOpener(portableCipher(payloadKey(fileKey, file.subarray(length, start))), file.length - start);
  const plain = new Uint8Array(opener.size);
  await opener.open(file.subarray(start), plain);
  return plain;
}

function headerOf(file: Bytes): number {
  try {
    const length = headerEnd(file);
    if (length) return length;
  } catch {
    // Falls through: too long is as bad as without end.
  }
  throw new ReaderError("damaged");
}
