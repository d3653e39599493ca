/**
 * The payload of an age file: STREAM with ChaCha20-Poly1305 over chunks of 64 KiB (age v1, “Payload”).
 *
 * Own code beside `age-encryption` for two reasons: speed (no copies, whole batches of chunks in flight), and the size of
 * the file is known here, so truncation is found by arithmetic before the last chunk as well as by its flag.
 */
import type { ChunkCipher } from "./cipher.ts";
import { ReaderError } from "./trouble.ts";

export const CHUNK = 64 * 1024;
export const TAG = 16;
export const SEALED_CHUNK = CHUNK + TAG;

/** Size of the plaintext of a payload of `sealed` bytes; throws `damaged` for a size that no payload has. */
export function plainSize(sealed: number): number {
  const last = sealed % SEALED_CHUNK;
  if (sealed < TAG || (last > 0 && last < TAG) || (last === TAG && sealed > TAG)) throw new ReaderError("damaged");
  return sealed - Math.ceil(sealed / SEALED_CHUNK) * TAG;
}

/** Bytes of plaintext in a batch of `sealed` bytes: as many tags less as it has chunks. */
export const roomFor = (sealed: number): number => Math.max(0, sealed - Math.ceil(sealed / SEALED_CHUNK) * TAG);

/** The nonce of chunk `index`: an 11-byte big-endian counter and the flag of the last chunk. */
export function chunkNonce(index: number, last: boolean): Uint8Array<ArrayBuffer> {
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  // 2^48 chunks of 64 KiB are far beyond any file; the upper five bytes of the counter stay zero.
  view.setUint16(5, Math.floor(index / 2 ** 32));
  view.setUint32(7, index >>> 0);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

/** Opens a payload of known size that arrives in batches of whole chunks. */
export class PayloadOpener {
  readonly #cipher: ChunkCipher;
  readonly #chunks: number;
  readonly size: number;
  #next = 0;

  /** `sealed`: bytes of the payload, without header and nonce. */
  constructor(cipher: ChunkCipher, sealed: number) {
    this.#cipher = cipher;
    this.size = plainSize(sealed);
    this.#chunks = Math.ceil(sealed / SEALED_CHUNK);
  }

  /**
   * Open the next chunks: `sealed` holds whole chunks, only the payload's last may be shorter. Fills `plain`, of
   * {@link roomFor} bytes; throws `damaged`, and then nothing of the batch may be used.
   */
  async open(sealed: Uint8Array<ArrayBuffer>, plain: Uint8Array<ArrayBuffer>): Promise<void> {
    const count = Math.ceil(sealed.length / SEALED_CHUNK);
    const first = this.#next;
    const ends = first + count === this.#chunks;
    if (first + count > this.#chunks || (!ends && sealed.length % SEALED_CHUNK)) throw new ReaderError("damaged");
    this.#next += count;
    if (plain.length !== sealed.length - count * TAG) throw new RangeError("room of another size");
    const work: (Promise<void> | void)[] = [];
    try {
      for (let i = 0; i < count; i++) {
        const from = sealed.subarray(i * SEALED_CHUNK, Math.min((i + 1) * SEALED_CHUNK, sealed.length));
        const into = plain.subarray(i * CHUNK, i * CHUNK + from.length - TAG);
        work.push(this.#cipher.open(chunkNonce(first + i, ends && i === count - 1), from, into));
      }
      await Promise.all(work);
    } catch (error) {
      plain.fill(0);
      throw new ReaderError("damaged", { cause: error });
    }
  }

  /** Whether every chunk has been opened. */
  get done(): boolean {
    return this.#next === this.#chunks;
  }
}
