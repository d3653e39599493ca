/** The payload as a sender's page seals it: plain age-encryption opens it, and wrong batches are refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { payloadKey } from "../../frontend/src/age-header.ts";
import { browserCipher, portableCipher, type ChunkCipher } from "../../frontend/src/cipher.ts";
import { headerEnd } from "../../frontend/src/header-end.ts";
import { CHUNK, plainSize } from "../../frontend/src/payload.ts";
import { BATCH, PayloadSealer, sealAll, sealedSize } from "../../frontend/src/payload-sealer.ts";

const cipher = () => portableCipher(new Uint8Array(32));

test("what we seal, age-encryption opens", async () => {
  const identity = await generateX25519Identity();
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(identity));
  const empty = await encrypter.encrypt(new Uint8Array(0));
  const header = empty.slice(0, headerEnd(empty));
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  const fileKey = await decrypter.decryptHeader(header);
  for (const size of [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 4 * CHUNK, 4 * CHUNK + 7]) {
    const plain = new Uint8Array(size).map((_, at) => at % 249);
    const nonce = crypto.getRandomValues(new Uint8Array(16));
    const sealer = new PayloadSealer(portableCipher(payloadKey(fileKey, nonce)));
    const parts: Uint8Array[] = [header, nonce];
    for (let at = 0; at < size || at === 0; at += 2 * CHUNK) {
      const batch = plain.slice(at, at + 2 * CHUNK);
      const sealed = new Uint8Array(sealedSize(batch.length));
      await sealer.seal(batch, at + 2 * CHUNK >= size, sealed);
      parts.push(sealed);
    }
    assert.deepEqual(new Uint8Array(await decrypter.decrypt(new Uint8Array(Buffer.concat(parts)))), plain, `${size} bytes`);
  }
});

test("a batch that breaks the chunks is refused", async () => {
  const seal = (sealer: PayloadSealer, size: number, last: boolean) => sealer.seal(new Uint8Array(size), last, new Uint8Array(sealedSize(size)));
  await assert.rejects(seal(new PayloadSealer(cipher()), 5, false), RangeError);
  await assert.rejects(seal(new PayloadSealer(cipher()), 0, false), RangeError);
  const ended = new PayloadSealer(cipher());
  await seal(ended, CHUNK, true);
  await assert.rejects(seal(ended, CHUNK, true), RangeError);
  const begun = new PayloadSealer(cipher());
  await seal(begun, CHUNK, false);
  await assert.rejects(seal(begun, 0, true), RangeError);
});

/** What `SealedSource.fill` does, over bytes that are there: it takes the buffer away and gives another one back. */
function filling(bytes: Uint8Array) {
  let at = 0;
  return async (buffer: ArrayBuffer) => {
    const given = structuredClone(buffer, { transfer: [buffer] });
    const part = bytes.subarray(at, at + given.byteLength);
    new Uint8Array(given).set(part);
    at += part.length;
    return new Uint8Array(given, 0, part.length);
  };
}

/** A cipher that takes its time, as the platform's does, and ends in another order than it began. */
function slow(cipher: ChunkCipher): ChunkCipher {
  let count = 0;
  return {
    open: cipher.open,
    async seal(nonce, plain, into) {
      const copy = plain.slice();
      for (let turns = (count++ * 7) % 5; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
      await cipher.seal(nonce, copy, into);
    },
  };
}

const SIZES = [0, 1, CHUNK, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH, 3 * BATCH + CHUNK + 5];

test("two batches under way seal what one after another does", async () => {
  for (const size of SIZES) {
    const plain = new Uint8Array(size).map((_, at) => (at * 31) % 251);
    const whole = new Uint8Array(sealedSize(size));
    const sealer = new PayloadSealer(cipher());
    for (let at = 0; at < size || at === 0; at += BATCH) {
      const batch = plain.slice(at, at + BATCH);
      const from = (at / BATCH) * sealedSize(BATCH);
      await sealer.seal(batch, at + BATCH >= size, whole.subarray(from, from + sealedSize(batch.length)));
    }
    const platform = await browserCipher(new Uint8Array(32));
    for (const one of [cipher(), slow(cipher()), ...(platform ? [platform] : [])]) {
      const parts: Uint8Array[] = [];
      const seen: Uint8Array[] = [];
      const take = async (sealed: Uint8Array) => {
        await new Promise((resolve) => setImmediate(resolve));
        parts.push(sealed.slice());
      };
      await sealAll(filling(plain), size, one, take, (batch) => void seen.push(batch.slice()));
      assert.ok(Buffer.concat(parts).equals(whole), `${size} bytes`);
      assert.ok(Buffer.concat(seen).equals(plain), `${size} bytes`);
      assert.equal(plainSize(Buffer.concat(parts).length), size);
    }
  }
});

test("whatever fails while sealing is told, and ends it", async () => {
  const plain = new Uint8Array(3 * BATCH);
  const nothing = () => undefined;
  const broken: ChunkCipher = { open: nothing, seal: async () => Promise.reject(new Error("no cipher")) };
  await assert.rejects(sealAll(filling(plain), plain.length, broken, nothing), /no cipher/);
  const full = () => Promise.reject(new Error("no room"));
  await assert.rejects(sealAll(filling(plain), plain.length, cipher(), full), /no room/);
  const gone = () => Promise.reject(new Error("no file"));
  await assert.rejects(sealAll(gone, plain.length, cipher(), nothing), /no file/);
});

test("a file that grew or shrank since its size was told is not sealed as if it were whole", async () => {
  const taken: number[] = [];
  const take = (sealed: Uint8Array) => void taken.push(sealed.length);
  for (const [has, told] of [[BATCH - 1, BATCH], [BATCH, BATCH + 1], [5, 4], [2 * BATCH, BATCH + 3]] as const) {
    await assert.rejects(sealAll(filling(new Uint8Array(has)), told, cipher(), take), /another size/);
  }
  assert.ok(taken.every((length) => length === sealedSize(BATCH)));
});
