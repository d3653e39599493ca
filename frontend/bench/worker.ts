/** One way of sealing or opening, timed from its first byte to its last; bench/browser.py says which and compares. */
import { sha256 } from "@noble/hashes/sha2.js";
import { Decrypter, Encrypter, generateHybridIdentity, identityToRecipient } from "age-encryption";
import { payloadKey, unwrap } from "../src/age-header.ts";
import { browserCipher, portableCipher, type ChunkCipher } from "../src/cipher.ts";
import { streamDrain, wholeDrain, type Drain } from "../src/drain.ts";
import { toHexDigits } from "../src/hex.ts";
import { PIECE, PieceDigest } from "../src/pieces.ts";
import { headerEnd, NONCE_BYTES } from "../src/header-end.ts";
import { PayloadOpener, roomFor, SEALED_CHUNK } from "../src/payload.ts";
import { sealAll, sealedSize } from "../src/payload-sealer.ts";
import { SealedSource } from "../src/sealed-source.ts";
import { openSink, type Sink } from "../src/sinks.ts";

interface Job {
  way: string;
  url: string;
  identity: string;
  size: number;
  sha256: string;
  pieces: string;
}

const BATCH = 16 * SEALED_CHUNK;
const nowhere: Sink = { write: () => undefined, finish: async () => null, discard: async () => undefined };

async function ours(job: Job, make: (key: Uint8Array<ArrayBuffer>) => Promise<ChunkCipher>, drain: Drain | null, sink: Sink): Promise<void> {
  const response = await fetch(job.url, { cache: "no-store" });
  const source = new SealedSource(response.body!);
  const first = await source.fill(new ArrayBuffer(BATCH));
  const end = headerEnd(first);
  const start = end + NONCE_BYTES;
  const key = payloadKey(await unwrap(first.slice(0, end), job.identity), first.slice(end, start));
  const opener = new PayloadOpener(await make(key), Number(response.headers.get("Content-Length")) - start);
  const buffer = new ArrayBuffer(BATCH);
  new Uint8Array(buffer).set(first.subarray(start));
  let batch = await source.fill(buffer, first.length - start);
  let spare = new ArrayBuffer(BATCH);
  const own = new Uint8Array(BATCH);
  while (batch.length) {
    const next = batch.length < BATCH ? null : source.fill(spare);
    const length = roomFor(batch.length);
    const plain = drain ? drain.lend(length) : own.subarray(0, length);
    await opener.open(batch, plain);
    await (drain ? drain.take(plain) : sink.write(plain));
    if (!next) break;
    spare = batch.buffer;
    batch = await next;
  }
  if (!opener.done || (drain && (await drain.digest()) !== job.pieces)) throw new Error("damaged");
}

const browser = async (key: Uint8Array<ArrayBuffer>): Promise<ChunkCipher> => {
  const cipher = await browserCipher(key);
  if (!cipher) throw new Error("this browser has no ChaCha20-Poly1305");
  return cipher;
};

async function drainStream(stream: ReadableStream<Uint8Array>, look: (piece: Uint8Array) => void = () => undefined): Promise<number> {
  let bytes = 0;
  for (const reader = stream.getReader(); ; ) {
    const { value, done } = await reader.read();
    if (done) return bytes;
    bytes += value.length;
    look(value);
  }
}

/** The file that is sealed: a Blob of what was fetched, as a file of the reader's is one. */
let file: Blob | null = null;
const theFile = async (job: Job): Promise<Blob> => (file ??= new Blob(Array.from({ length: job.size / 2 ** 20 }, () => new Uint8Array(2 ** 20).fill(7))));

async function sealing(job: Job, hashed: boolean): Promise<void> {
  const source = new SealedSource((await theFile(job)).stream() as ReadableStream<Uint8Array<ArrayBuffer>>);
  const digest = hashed ? new PieceDigest() : null;
  const cipher = await browser(crypto.getRandomValues(new Uint8Array(32)));
  let bytes = 0;
  const take = (sealed: Uint8Array) => void (bytes += sealed.length);
  await sealAll((buffer) => source.fill(buffer), job.size, cipher, take, (plain) => digest?.add(plain));
  await digest?.finish();
  if (bytes !== sealedSize(job.size)) throw new Error("not all was sealed");
}

const WAYS: Record<string, (job: Job) => Promise<unknown>> = {
  async "fetch only"(job) {
    const source = new SealedSource((await fetch(job.url, { cache: "no-store" })).body!);
    let buffer = new ArrayBuffer(BATCH);
    for (;;) {
      const got = await source.fill(buffer);
      if (got.length < BATCH) return;
      buffer = got.buffer;
    }
  },
  async "open: age-encryption"(job) {
    const decrypter = new Decrypter();
    decrypter.addIdentity(job.identity);
    const bytes = await drainStream(await decrypter.decrypt((await fetch(job.url, { cache: "no-store" })).body!));
    if (bytes !== job.size) throw new Error("damaged");
  },
  async "open: age-encryption, digested"(job) {
    const decrypter = new Decrypter();
    decrypter.addIdentity(job.identity);
    const hash = sha256.create();
    await drainStream(await decrypter.decrypt((await fetch(job.url, { cache: "no-store" })).body!), (piece) => hash.update(piece));
    if (toHexDigits(hash.digest()) !== job.sha256) throw new Error("damaged");
  },
  "open: ours": (job) => ours(job, browser, null, nowhere),
  "open: ours, portable cipher": (job) => ours(job, async (key) => portableCipher(key), null, nowhere),
  "open: ours, digested in memory": (job) => ours(job, browser, wholeDrain(job.size, () => undefined), nowhere),
  "open: ours, digested": async (job) => ours(job, browser, streamDrain(nowhere, PIECE), nowhere),
  async "open: ours, digested and saved"(job) {
    const sink = await openSink({ kind: "shelf", name: "bench" });
    await ours(job, browser, streamDrain(sink, PIECE), sink);
    await sink.finish();
    await (await navigator.storage.getDirectory()).removeEntry("zegel-shelf", { recursive: true });
  },
  async "read a file"(job) {
    const source = new SealedSource((await theFile(job)).stream() as ReadableStream<Uint8Array<ArrayBuffer>>);
    let buffer = new ArrayBuffer(BATCH);
    for (;;) {
      const got = await source.fill(buffer);
      if (got.length < BATCH) return;
      buffer = got.buffer;
    }
  },
  async "seal: age-encryption"(job) {
    const encrypter = new Encrypter();
    encrypter.addRecipient(await identityToRecipient(await generateHybridIdentity()));
    await drainStream(await encrypter.encrypt((await theFile(job)).stream()));
  },
  "seal: ours": (job) => sealing(job, false),
  "seal: ours, digested": (job) => sealing(job, true),
};

self.onmessage = async ({ data }: MessageEvent<Job>) => {
  try {
    if (data.way.includes("seal") || data.way.startsWith("read")) await theFile(data);
    const start = performance.now();
    await WAYS[data.way]!(data);
    self.postMessage({ seconds: (performance.now() - start) / 1000 });
  } catch (error) {
    self.postMessage({ error: String(error) });
  }
};
self.postMessage({ ready: Object.keys(WAYS) });
