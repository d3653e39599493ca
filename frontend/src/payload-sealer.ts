/** The other direction of `payload.ts`: seal a payload that arrives in batches of whole chunks. For senders' pages. */
import type { ChunkCipher } from "./cipher.ts";
import { CHUNK, chunkNonce, SEALED_CHUNK, TAG } from "./payload.ts";

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
