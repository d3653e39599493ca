/**
 * The worker that opens one attachment: fetch → decrypt → hash → sink, in flat memory. It gets the key of this one payload
 * and nothing else; header work and the parcel key stay with the page.
 */
import { streamDrain, wholeDrain, type Drain } from "./drain.ts";
import { browserCipher, portableCipher, type ChunkCipher } from "./cipher.ts";
import { refusal, send } from "./api.ts";
import { headerEnd, NONCE_BYTES } from "./header-end.ts";
import type { Bytes } from "./hex.ts";
import { PIECE } from "./pieces.ts";
import { PayloadOpener, roomFor, SEALED_CHUNK } from "./payload.ts";
import { SealedSource } from "./sealed-source.ts";
import { openSink, type Sink, type SinkChoice } from "./sinks.ts";
import { ReaderError, troubleOf, type Trouble } from "./trouble.ts";

/** What the page asks. `size` and `pieces` are the manifest's, of the plaintext; `sealed` is the blob's size. */
export interface OpenJob {
  url: string;
  headers: Record<string, string>;
  session: boolean;
  sealed: number;
  size: number;
  pieces: string;
  sink: SinkChoice;
  /** Put the file together in memory. */
  whole: boolean;
}

export type ToWorker = { say: "open"; job: OpenJob } | { say: "key"; key: Bytes };
export type FromWorker =
  | { say: "header"; header: Bytes; nonce: Bytes }
  | { say: "progress"; bytes: number }
  | { say: "done"; file: Blob | null }
  | { say: "trouble"; trouble: Trouble; retryAfter: number | undefined };

/** One piece of the digest (`PIECE`), sealed. */
const BATCH = 16 * SEALED_CHUNK;
const scope = self as unknown as DedicatedWorkerGlobalScope;
const tell = (message: FromWorker): void => scope.postMessage(message);

let giveKey: (key: Bytes) => void;
const theKey = new Promise<Bytes>((resolve) => (giveKey = resolve));

scope.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.say === "key") giveKey(data.key);
  else void run(data.job);
};

async function run(job: OpenJob): Promise<void> {
  try {
    tell({ say: "done", file: await open(job) });
  } catch (error) {
    const { trouble, retryAfter } = troubleOf(error, "damaged-file");
    tell({ say: "trouble", trouble: trouble === "damaged" ? "damaged-file" : trouble, retryAfter });
  }
}

async function open(job: OpenJob): Promise<Blob | null> {
  const response = await send(job.url, { headers: job.headers }, job.session);
  if (!response.ok || !response.body) throw await refusal(response);
  const source = new SealedSource(response.body);
  let sink: Sink | null = null;
  try {
    const first = await source.fill(new ArrayBuffer(BATCH));
    const end = headerEnd(first);
    const start = end + NONCE_BYTES;
    if (!end || first.length < start) throw new ReaderError("damaged-file");
    tell({ say: "header", header: first.slice(0, end), nonce: first.slice(end, start) });
    const key = await theKey;
    const opener = new PayloadOpener(await cipherOf(key), job.sealed - start);
    if (opener.size !== job.size) throw new ReaderError("damaged-file");
    sink = await openSink(job.sink);
    const drain = job.whole ? wholeDrain(job.size, sink.write) : streamDrain(sink, PIECE);
    await pump(source, first.subarray(start), opener, drain);
    // Damage that age cannot see: another file of this parcel, or one that a reader sealed and nobody signed for.
    if (!opener.done || (await drain.digest()) !== job.pieces) throw new ReaderError("damaged-file");
    return await sink.finish();
  } catch (error) {
    await source.cancel();
    await sink?.discard();
    throw error;
  }
}

async function cipherOf(key: Bytes): Promise<ChunkCipher> {
  const theirs = await browserCipher(key);
  if (!theirs) return portableCipher(key); // Reads the key for every chunk (Firefox, Safari): it goes with this worker.
  key.fill(0);
  return theirs;
}

/** While one batch is opened and written, the next one arrives. Sealed batches take turns in two buffers. */
async function pump(source: SealedSource, early: Bytes, opener: PayloadOpener, drain: Drain): Promise<void> {
  let bytes = 0;
  let spare = new ArrayBuffer(BATCH);
  let batch = await whole(source, early);
  while (batch.length || !opener.done) {
    const next = batch.length < BATCH ? null : source.fill(spare);
    next?.catch(() => undefined);
    const plain = drain.lend(roomFor(batch.length));
    await opener.open(batch, plain);
    bytes += plain.length;
    await drain.take(plain);
    tell({ say: "progress", bytes });
    if (!next) break;
    spare = batch.buffer;
    batch = await next;
  }
}

/** Make the first batch, of which the header has been taken, a whole one. */
async function whole(source: SealedSource, early: Bytes): Promise<Bytes> {
  const buffer = new ArrayBuffer(BATCH);
  new Uint8Array(buffer).set(early);
  return source.fill(buffer, early.length);
}
