/** The digest in pieces against its definition with node's SHA-256. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { PIECE, PieceDigest } from "../../frontend/src/pieces.ts";

const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

function defined(plain: Uint8Array): string {
  const digests = [];
  for (let at = 0; at < plain.length; at += PIECE) digests.push(sha256(plain.subarray(at, at + PIECE)));
  return sha256(Buffer.concat(digests)).toString("hex");
}

test("every length around a piece, with one buffer used again for all pieces", async () => {
  for (const length of [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 7]) {
    const plain = new Uint8Array(length).map((_, at) => (at * 167 + (at >> 9)) % 256);
    const digest = new PieceDigest();
    const room = new Uint8Array(PIECE);
    for (let at = 0; at < length; at += PIECE) {
      const piece = plain.subarray(at, at + PIECE);
      room.set(piece);
      const taken = digest.add(room.subarray(0, piece.length));
      room.fill(0xff); // the caller may use it at once
      await taken;
    }
    assert.equal(await digest.finish(), defined(plain), `${length} bytes`);
  }
});

test("a short piece ends it: other cuts would give another digest", async () => {
  const digest = new PieceDigest();
  await digest.add(new Uint8Array(5));
  await assert.rejects(digest.add(new Uint8Array(5)), RangeError);
  await assert.rejects(new PieceDigest().add(new Uint8Array(PIECE + 1)), RangeError);
});
