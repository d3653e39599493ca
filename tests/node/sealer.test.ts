/** The payload as a sender's page seals it: plain age-encryption opens it, and wrong batches are refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { payloadKey } from "../../frontend/src/age-header.ts";
import { portableCipher } from "../../frontend/src/cipher.ts";
import { headerEnd } from "../../frontend/src/header-end.ts";
import { CHUNK } from "../../frontend/src/payload.ts";
import { PayloadSealer, sealedSize } from "../../frontend/src/payload-sealer.ts";

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
