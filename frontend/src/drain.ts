/**
 * What becomes of opened plaintext: it is digested and goes to its sink, in one of two ways. Small files are put together in
 * memory and digested by the platform at the end; large ones go through the second worker piece by piece, in buffers that
 * come back.
 */
import { toHexDigits, type Bytes } from "./hex.ts";
import type { FromHasher, ToHasher } from "./hash-worker.ts";
import type { Sink } from "./sinks.ts";

/** Pieces of plaintext that may be under way to the hasher. */
const UNDER_WAY = 8;

export interface Drain {
  /** Room for the next piece of `length` bytes. */
  lend(length: number): Promise<Bytes>;
  /** Take the piece, filled. */
  take(plain: Bytes): Promise<void>;
  /** The digest of all pieces, as hex; after this the sink may be finished. */
  digest(): Promise<string>;
}

/** Everything in one buffer of the file's size. */
export function wholeDrain(size: number, keep: (whole: Bytes) => void): Drain {
  const whole = new Uint8Array(size);
  let at = 0;
  return {
    lend: async (length) => whole.subarray(at, at + length),
    take: async (plain) => void (at += plain.length),
    async digest() {
      keep(whole);
      return toHexDigits(new Uint8Array(await crypto.subtle.digest("SHA-256", whole)));
    },
  };
}

/** Piece by piece into `sink`, digested behind `port`. */
export function streamDrain(sink: Sink, port: MessagePort, piece: number): Drain {
  const free: ArrayBuffer[] = Array.from({ length: UNDER_WAY }, () => new ArrayBuffer(piece));
  let waiting: ((buffer: ArrayBuffer) => void) | null = null;
  let finished: ((digest: string) => void) | null = null;
  port.onmessage = ({ data }: MessageEvent<FromHasher>) => {
    if ("digest" in data) finished?.(data.digest);
    else if (waiting) {
      const go = waiting;
      waiting = null;
      go(data.buffer);
    } else free.push(data.buffer);
  };
  const send = (message: ToHasher, transfer: Transferable[] = []): void => port.postMessage(message, transfer);
  return {
    async lend(length) {
      const buffer = free.pop() ?? (await new Promise<ArrayBuffer>((resolve) => (waiting = resolve)));
      return new Uint8Array(buffer, 0, length);
    },
    async take(plain) {
      await sink.write(plain);
      send({ buffer: plain.buffer, length: plain.length }, [plain.buffer]);
    },
    digest: () =>
      new Promise((resolve) => {
        finished = resolve;
        send({ end: true });
      }),
  };
}
