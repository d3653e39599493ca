/** Link, claim, slip and signed manifest, against the vectors that the Python rooms are held to as well. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { identityToRecipient } from "age-encryption";
import { identifierBytes } from "../../frontend/src/bytes.ts";
import { deriveSeed, spellIdentity } from "../../frontend/src/claim.ts";
import { isIdentifier } from "../../frontend/src/identifier.ts";
import { verifyPortably } from "../../frontend/src/ed25519-portable.ts";
import { readSecret } from "../../frontend/src/link.ts";
import { readSigned, shown } from "../../frontend/src/manifest.ts";
import { openSmall } from "../../frontend/src/open-small.ts";
import { isVerified, statement } from "../../frontend/src/signature.ts";
import { openSlip } from "../../frontend/src/slip.ts";
import { parseStrict } from "../../frontend/src/strict-json.ts";
import { ReaderError } from "../../frontend/src/trouble.ts";
import { b64, read, unb64 } from "./vectors.ts";

const trouble = (name: string) => (error: unknown) => error instanceof ReaderError && error.trouble === name;

const claim = read("claim");
for (const { slip, secret, share, identity, recipient } of claim.cases) {
  test(`claim of ${slip}`, async () => {
    const found = spellIdentity(await deriveSeed(readSecret(`#${secret}`), unb64(share), slip));
    assert.equal(found, identity);
    assert.equal(await identityToRecipient(found), recipient);
  });
}

test("a claim needs two halves of 32 bytes", async () => {
  const { slip } = claim.cases[0];
  await assert.rejects(deriveSeed(new Uint8Array(31), new Uint8Array(33), slip), TypeError);
});

for (const secret of claim.bad_secrets) {
  test(`the link secret “${secret}” is cut`, () => assert.throws(() => readSecret(`#${secret}`), trouble("cut-link")));
}

test("identifiers have one spelling", () => {
  const { slip } = claim.cases[0];
  assert.equal(identifierBytes(slip).length, 16);
  for (const bad of [slip.toUpperCase(), slip.slice(1), `${slip}a`, `${slip.slice(0, 25)}b`, `${slip}\n`]) assert.ok(!isIdentifier(bad), bad);
});

for (const made of read("slip").cases) {
  test(`a slip ${made.name}: ${made.expect}`, async () => {
    const identity = spellIdentity(await deriveSeed(readSecret(made.secret), unb64(made.share), made.slip));
    const opening = openSlip(unb64(made.sealed), identity, made.parcel);
    if (made.expect === "good") assert.equal(await opening, made.key);
    else await assert.rejects(opening, trouble(made.expect));
  });
}

for (const made of read("names").cases) {
  test(`the name ${JSON.stringify(made.shown.slice(0, 20))} is shown as it looks`, () => assert.equal(shown(made.written, 200), made.shown));
}

const manifests = read("manifest");
for (const { name, expect, parcel, signed } of manifests.cases) {
  test(`a manifest: ${name}: ${expect}`, async () => {
    if (expect === "damaged") return assert.throws(() => readSigned(unb64(signed), parcel), trouble("damaged"));
    assert.equal(await isVerified(readSigned(unb64(signed), parcel), manifests.published), expect === "verified");
  });
}

test("nothing is verified with another organisation's keys, or keys under a false fingerprint", async () => {
  const { parcel, signed } = manifests.cases[0];
  const found = readSigned(unb64(signed), parcel);
  const elsewhere = { ...manifests.published, organisation: { name: "Gemeente Voorbeeld", host: "elders.example" } };
  assert.equal(await isVerified(found, elsewhere), false);
  const [ours, old] = manifests.published.signing;
  assert.equal(await isVerified(found, { ...manifests.published, signing: [{ ...old, key: ours.key }] }), false);
});

test("the statement is the six lines of the format", () => {
  const { from, organisation, created, parcel } = JSON.parse(manifests.line);
  const line = new TextEncoder().encode(manifests.line);
  assert.equal(b64(statement(organisation.host, parcel, from.address, line, created)), manifests.statement);
});

test("the portable Ed25519 judges as the browser's", () => {
  const { signed } = manifests.cases[0];
  const [line, second] = Buffer.from(signed, "base64").toString().split("\n");
  const { ed25519 } = JSON.parse(second!);
  const message = unb64(manifests.statement);
  const key = unb64(manifests.published.signing[0].ed25519);
  assert.ok(line && verifyPortably(unb64(ed25519), message, key));
  message[0]! ^= 1;
  assert.ok(!verifyPortably(unb64(ed25519), message, key));
});

test("JSON with a name twice is refused, at any depth and in any spelling", () => {
  for (const good of ['{"a":{"a":1},"b":[{"a":1},{"a":2}]}', '"\\"{"', '{"a":"x\\",\\"a\\":1"}', "[]"]) parseStrict(good);
  for (const bad of ['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '[{"b":{"c":1,"c":1}}]', '{"a" :1,"a"\n:2}', "{", ""]) {
    assert.throws(() => parseStrict(bad), SyntaxError, bad);
  }
});

test("a blob opens, and is refused when one bit of it is another", async () => {
  const { key, sealed, size, sha256 } = read("blob");
  const plain = await openSmall(unb64(sealed), key);
  assert.equal(plain.length, size);
  assert.equal(Buffer.from(await crypto.subtle.digest("SHA-256", plain)).toString("hex"), sha256);
  const whole = unb64(sealed);
  for (const at of [30, 700, 1700, whole.length - 70_000, whole.length - 4_000, whole.length - 1]) {
    const altered = whole.slice();
    altered[at]! ^= 0x10;
    await assert.rejects(openSmall(altered, key), `byte ${at}`);
  }
});
