/** The sealed bytes of a blob as they arrive from the server, in buffers that the caller lends. */
import type { Bytes } from "./hex.ts";
import { ReaderError } from "./trouble.ts";

interface Step {
  buffer: ArrayBuffer;
  at: number;
}

export class SealedSource {
  readonly #byob: ReadableStreamBYOBReader | null;
  readonly #plain: ReadableStreamDefaultReader<Bytes> | null;
  #left: Bytes = new Uint8Array(0);

  constructor(body: ReadableStream<Bytes>) {
    let byob: ReadableStreamBYOBReader | null = null;
    try {
      // A byte stream fills our buffer itself: no copy, no garbage per network packet.
      byob = body.getReader({ mode: "byob" });
    } catch {
      // Not a byte stream in this browser.
    }
    this.#byob = byob;
    this.#plain = byob ? null : (body.getReader() as ReadableStreamDefaultReader<Bytes>);
  }

  /** Fill `buffer` from `from` on; the view of what is there is shorter than the buffer only at the end of the blob. */
  async fill(buffer: ArrayBuffer, from = 0): Promise<Bytes> {
    const size = buffer.byteLength;
    let at = from;
    while (at < size) {
      const step = this.#byob ? await this.#fillByob(this.#byob, buffer, at) : await this.#fillPlain(buffer, at);
      buffer = step.buffer;
      if (step.at === at) break;
      at = step.at;
    }
    return new Uint8Array(buffer, 0, at);
  }

  async #fillByob(reader: ReadableStreamBYOBReader, buffer: ArrayBuffer, at: number): Promise<Step> {
    const { value } = await this.#read(() => reader.read(new Uint8Array(buffer, at)));
    if (!value) throw new ReaderError("stopped");
    // The stream took the buffer and gives it back as another object, also at the end (then with nothing in it).
    return { buffer: value.buffer, at: at + value.length };
  }

  async #fillPlain(buffer: ArrayBuffer, at: number): Promise<Step> {
    while (!this.#left.length) {
      const { value, done } = await this.#read(() => this.#plain!.read());
      if (done) return { buffer, at };
      this.#left = value;
    }
    const take = this.#left.subarray(0, buffer.byteLength - at);
    new Uint8Array(buffer).set(take, at);
    this.#left = this.#left.subarray(take.length);
    return { buffer, at: at + take.length };
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      throw new ReaderError("offline", { cause: error });
    }
  }

  async cancel(): Promise<void> {
    await (this.#byob ?? this.#plain)!.cancel().catch(() => undefined);
  }
}
