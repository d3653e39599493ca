/** Our SHA-256 against the platform's: every length around blocks, every cut, and gigabytes' worth of counter. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { Sha256 } from "../../frontend/src/sha256.ts";

const bytes = new Uint8Array(1000).map((_, at) => (at * 167 + (at >> 3)) % 256);
const theirs = (...pieces: Uint8Array[]): string => pieces.reduce((hash, piece) => hash.update(piece), createHash("sha256")).digest("hex");

function ours(...pieces: Uint8Array[]): string {
  const hash = new Sha256();
  for (const piece of pieces) hash.update(piece);
  return hash.finish();
}

test("the examples of FIPS 180-4", () => {
  assert.equal(ours(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  assert.equal(ours(new TextEncoder().encode("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test("every length up to 300", () => {
  for (let length = 0; length <= 300; length++) assert.equal(ours(bytes.subarray(0, length)), theirs(bytes.subarray(0, length)), `${length}`);
});

test("every cut in two and three", () => {
  for (let first = 0; first <= 200; first += 1) {
    for (const second of [0, 1, 63, 64, 65, 127, 128]) {
      const pieces = [bytes.subarray(0, first), bytes.subarray(first, first + second), bytes.subarray(first + second, 500)];
      assert.equal(ours(...pieces), theirs(...pieces), `${first} ${second}`);
    }
  }
});

test("a length beyond 2³² bits", () => {
  const piece = new Uint8Array(16 * 1024 * 1024).fill(7);
  const pieces = Array.from({ length: 33 }, () => piece);
  assert.equal(ours(...pieces, bytes), theirs(...pieces, bytes));
});

test("pieces that do not start at the start of their buffer", () => {
  for (let skip = 0; skip < 70; skip++) assert.equal(ours(bytes.subarray(skip)), theirs(bytes.subarray(skip)));
});
