/** The payload's own code: the whole CCTV test kit through it, and sizes around the edges of chunks. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { inflateSync } from "node:zlib";
import { armor, Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import * as kit from "cctv-age";
import { payloadKey } from "../../frontend/src/age-header.ts";
import { portableCipher } from "../../frontend/src/cipher.ts";
import { headerEnd, NONCE_BYTES } from "../../frontend/src/header-end.ts";
import { chunkNonce, PayloadOpener, plainSize, roomFor, SEALED_CHUNK } from "../../frontend/src/payload.ts";

/** As the worker opens a file: the header by age-encryption, the payload by us, `batch` chunks at a time. */
async function open(file: Uint8Array<ArrayBuffer>, decrypter: Decrypter, batch: number): Promise<Uint8Array> {
  const end = headerEnd(file);
  if (!end) throw new Error("no end of the header");
  const fileKey = await decrypter.decryptHeader(file.subarray(0, end));
  const start = end + NONCE_BYTES;
  if (file.length < start) throw new Error("no nonce");
  const opener = new PayloadOpener(portableCipher(payloadKey(fileKey, file.subarray(end, start))), file.length - start);
  const parts = [];
  for (let at = start; at < file.length || !opener.done; at += batch * SEALED_CHUNK) {
    const sealed = file.slice(at, at + batch * SEALED_CHUNK);
    const plain = new Uint8Array(roomFor(sealed.length));
    await opener.open(sealed, plain);
    parts.push(plain);
  }
  return Buffer.concat(parts);
}

function vector(bytes: Uint8Array): { facts: Map<string, string[]>; body: Uint8Array } {
  const end = Buffer.from(bytes).indexOf("\n\n");
  const facts = new Map<string, string[]>();
  for (const line of Buffer.from(bytes.subarray(0, end)).toString().split("\n")) {
    const [, name, value] = /^([^:]+): (.*)$/.exec(line)!;
    facts.set(name!, [...(facts.get(name!) ?? []), value!]);
  }
  const body = bytes.subarray(end + 2);
  return { facts, body: facts.has("compressed") ? inflateSync(body) : body };
}

const vectors = Object.entries(kit as Record<string, Uint8Array>).filter(([, bytes]) => bytes instanceof Uint8Array);
assert.ok(vectors.length > 100, "the test kit is there");
for (const [name, bytes] of vectors) {
  const { facts, body } = vector(bytes);
  if (facts.has("armored")) continue; // Zegel's files are binary; armor is age-encryption's own.
  for (const batch of [1, 16]) {
    test(`CCTV ${name}, ${batch} chunks at a time`, async () => {
      const decrypter = new Decrypter();
      for (const passphrase of facts.get("passphrase") ?? []) decrypter.addPassphrase(passphrase);
      for (const identity of facts.get("identity") ?? []) decrypter.addIdentity(identity);
      const opening = open(new Uint8Array(body), decrypter, batch);
      if (facts.get("expect")![0] !== "success") return assert.rejects(opening);
      assert.equal(createHash("sha256").update(await opening).digest("hex"), facts.get("payload")![0]);
    });
  }
}

test("every size around the edges of chunks and batches", async () => {
  const identity = await generateX25519Identity();
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(identity));
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  for (const size of [0, 1, 65_535, 65_536, 65_537, 131_072, 16 * 65_536, 16 * 65_536 + 1]) {
    const plain = new Uint8Array(size).map((_, at) => at % 253);
    const sealed = new Uint8Array(await encrypter.encrypt(plain));
    assert.deepEqual(new Uint8Array(await open(sealed, decrypter, 16)), plain, `${size} bytes`);
    await assert.rejects(open(sealed.slice(0, -1), decrypter, 16), `${size} bytes less one`);
    await assert.rejects(open(new Uint8Array([...sealed, 0]), decrypter, 16), `${size} bytes and one more`);
  }
});

test("chunks cannot be dropped, even a whole number of them", async () => {
  const identity = await generateX25519Identity();
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(identity));
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  const sealed = new Uint8Array(await encrypter.encrypt(new Uint8Array(3 * 65_536)));
  await assert.rejects(open(sealed.slice(0, sealed.length - SEALED_CHUNK), decrypter, 16));
});

test("sizes that no payload has", () => {
  for (const bad of [0, 15, SEALED_CHUNK + 1, SEALED_CHUNK + 15, SEALED_CHUNK + 16]) assert.throws(() => plainSize(bad));
  assert.equal(plainSize(16), 0);
  assert.equal(plainSize(2 * SEALED_CHUNK), 131_072);
});

test("the counter goes on beyond 32 bits", () => {
  assert.equal(Buffer.from(chunkNonce(2 ** 32 + 5, true)).toString("hex"), "000000000000010000000501");
  assert.equal(Buffer.from(chunkNonce(1, false)).toString("hex"), "000000000000000000000100");
});

test("armor is not mistaken for a binary file", async () => {
  assert.equal(headerEnd(new TextEncoder().encode(armor.encode(new Uint8Array(10)))), 0);
});
