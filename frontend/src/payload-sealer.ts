/** The other direction of `payload.ts`: seal a payload that arrives in batches of whole chunks. For senders' pages. */
import type { ChunkCipher } from "./cipher.ts";
import type { Bytes } from "./hex.ts";
import { CHUNK, chunkNonce, SEALED_CHUNK, TAG } from "./payload.ts";

/** Bytes of plaintext that are sealed at a time: one piece of the digest (`PIECE`). */
export const BATCH = 16 * CHUNK;

/** Bytes of sealed chunks for `plain` bytes; an empty file has one empty chunk. */
export const sealedSize = (plain: number): number => plain + Math.max(1, Math.ceil(plain / CHUNK)) * TAG;

export class PayloadSealer {
  readonly #cipher: ChunkCipher;
  #next = 0;
  #ended = false;

  constructor(cipher: ChunkCipher) {
    this.#cipher = cipher;
  }

  /**
   * Seal the next chunks into `sealed`, of {@link sealedSize} bytes. Every batch but the last holds whole chunks; an empty
   * last batch is only for an empty file.
   */
  async seal(plain: Uint8Array<ArrayBuffer>, last: boolean, sealed: Uint8Array<ArrayBuffer>): Promise<void> {
    const count = Math.max(1, Math.ceil(plain.length / CHUNK));
    const first = this.#next;
    const odd = last ? plain.length === 0 && first > 0 : plain.length === 0 || plain.length % CHUNK !== 0;
    if (this.#ended || odd || sealed.length !== sealedSize(plain.length)) throw new RangeError("not a batch of chunks");
    this.#next += count;
    this.#ended = last;
    const work: (Promise<void> | void)[] = [];
    for (let i = 0; i < count; i++) {
      const from = plain.subarray(i * CHUNK, Math.min((i + 1) * CHUNK, plain.length));
      const into = sealed.subarray(i * SEALED_CHUNK, i * SEALED_CHUNK + from.length + TAG);
      work.push(this.#cipher.seal(chunkNonce(first + i, last && i === count - 1), from, into));
    }
    await Promise.all(work);
  }
}

interface Under {
  work: Promise<void>;
  sealed: Bytes;
}

/**
 * Seal `size` bytes; `fill` reads the next ones into a buffer (`SealedSource.fill`), `take` gets the sealed batches in order,
 * each until its promise ends. `look` sees the plaintext, and must copy what it keeps.
 *
 * Two batches are under way, so that the platform's threads have work while this one waits. One buffer does for the
 * plaintext: the cipher copies its input before it returns (Web Cryptography API, `encrypt`, step 2).
 */
export async function sealAll(
  fill: (buffer: ArrayBuffer) => Promise<Bytes>,
  size: number,
  cipher: ChunkCipher,
  take: (sealed: Bytes) => Promise<void> | void,
  look: (plain: Bytes) => Promise<void> | void = () => undefined,
): Promise<void> {
  const sealer = new PayloadSealer(cipher);
  let room = new Uint8Array(sealedSize(BATCH));
  let spare = new Uint8Array(sealedSize(BATCH));
  let before: Under | null = null;
  let next = fill(new ArrayBuffer(BATCH));
  for (let left = size; ; ) {
    const plain = await next;
    if (plain.length !== Math.min(left, BATCH)) throw new RangeError("the file has another size");
    left -= plain.length;
    const sealed = room.subarray(0, sealedSize(plain.length));
    const now: Under = { work: sealer.seal(plain, left === 0, sealed), sealed };
    // Whoever fails first is told; the other one must not be a rejection that nobody heard.
    now.work.catch(() => undefined);
    await look(plain);
    if (left) next = fill(plain.buffer);
    next.catch(() => undefined);
    if (before) await hand(before, take);
    before = now;
    [room, spare] = [spare, room];
    if (!left) return hand(before, take);
  }
}

async function hand(under: Under, take: (sealed: Bytes) => Promise<void> | void): Promise<void> {
  await under.work;
  await take(under.sealed);
}
