/**
 * The second worker of a large attachment: it digests what the first one opened while that one goes on. Every buffer goes
 * back through the port, so that as many travel as were sent out, and no more memory is used however slow this side is.
 */
import { Sha256 } from "./sha256.ts";

/** From the opener: a buffer with `length` bytes of plaintext, or the end. */
export type ToHasher = { buffer: ArrayBuffer; length: number } | { end: true };
export type FromHasher = { buffer: ArrayBuffer } | { digest: string };

const scope = self as unknown as DedicatedWorkerGlobalScope;

scope.onmessage = ({ ports: [port] }: MessageEvent) => {
  const hash = new Sha256();
  if (!port) return;
  port.onmessage = ({ data }: MessageEvent<ToHasher>) => {
    if ("end" in data) return port.postMessage({ digest: hash.finish() } satisfies FromHasher);
    hash.update(new Uint8Array(data.buffer, 0, data.length));
    port.postMessage({ buffer: data.buffer } satisfies FromHasher, [data.buffer]);
  };
};
