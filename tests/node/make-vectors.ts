/**
 * Writes tests/vectors anew (`npm run make-vectors`): made with age-encryption and noble, read by the tests of both
 * languages. Seeds are fixed, so only what age itself draws at random differs from one run to the next.
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { ml_dsa65 } from "@noble/post-quantum/ml-dsa.js";
import { base32nopad, base64urlnopad } from "@scure/base";
import { Encrypter, identityToRecipient } from "age-encryption";
import { utf8 } from "../../frontend/src/bytes.ts";
import { deriveSeed, spellIdentity } from "../../frontend/src/claim.ts";
import { fingerprint, statement } from "../../frontend/src/signature.ts";
import { b64, write } from "./vectors.ts";

const seeded = (label: string, length = 32): Uint8Array<ArrayBuffer> => new Uint8Array(sha256(utf8(`zegel vectors ${label}`)).slice(0, length));
const identifier = (label: string): string => base32nopad.encode(seeded(label, 16)).toLowerCase();

async function seal(plain: Uint8Array | string, identity: string): Promise<string> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(identity));
  return b64(await encrypter.encrypt(typeof plain === "string" ? utf8(plain) : plain));
}

async function claims(): Promise<unknown[]> {
  const cases = [];
  for (const name of ["one", "two", "three"]) {
    const [secret, share, slip] = [seeded(`secret ${name}`), seeded(`share ${name}`), identifier(`slip ${name}`)];
    const identity = spellIdentity(await deriveSeed(secret, share, slip));
    const recipient = await identityToRecipient(identity);
    cases.push({ slip, secret: base64urlnopad.encode(secret), share: b64(share), identity, recipient });
  }
  return cases;
}

const SECRET = base64urlnopad.encode(seeded("secret one"));
/** Each is refused as cut or altered before anybody asks for a proof. */
const BAD_SECRETS = ["", SECRET.slice(0, 42), `${SECRET}A`, `${SECRET}=`, `${SECRET.slice(0, 42)}B`, ` ${SECRET.slice(1)}`, `+${SECRET.slice(1)}`, `/${SECRET.slice(1)}`];

const parcel = identifier("parcel");
const parcelKey = spellIdentity(seeded("parcel key"));

async function slips(): Promise<unknown[]> {
  const slip = identifier("slip one");
  const secret = base64urlnopad.encode(seeded("secret one"));
  const reader = spellIdentity(await deriveSeed(seeded("secret one"), seeded("share one"), slip));
  const other = spellIdentity(seeded("somebody else"));
  const good = `# zegel slip v1 parcel ${parcel}\n${parcelKey}\n`;
  const made = async (name: string, expect: string, plain: string, identity = reader) => ({
    name, expect, parcel, slip, secret, share: b64(seeded("share one")), sealed: await seal(plain, identity), ...(expect === "good" ? { key: parcelKey } : {}),
  }); // prettier-ignore
  const cut = await made("cut off", "damaged", good);
  return [
    await made("as it should be", "good", good),
    await made("of another parcel", "foreign-slip", good.replace(parcel, identifier("other parcel"))),
    await made("for another reader", "wrong-link", good, other),
    await made("without the comment", "damaged", `${parcelKey}\n`),
    await made("two keys", "damaged", `${good}${parcelKey}\n`),
    await made("CR LF", "damaged", good.replaceAll("\n", "\r\n")),
    await made("another kind of key", "damaged", good.replace(parcelKey, "AGE-SECRET-KEY-1QQPQGZYS3HJ7W7VXEWFUH4GUQ8KMQT8WC0WDN9XQ6GR7J83J5XHQWVWV6G")),
    { ...cut, sealed: Buffer.from(cut.sealed, "base64").subarray(0, -1).toString("base64") },
  ];
}

const HOST = "post.voorbeeld.example";
const SENDER = "zorg@voorbeeld.example";
const TIME = "2026-11-20T09:14:00Z";
const manifest = {
  zegel: "manifest v1", parcel, nonce: base64urlnopad.encode(seeded("nonce", 16)),
  organisation: { name: "Gemeente Voorbeeld", host: HOST }, from: { name: "Afdeling Zorg", address: SENDER },
  to: [{ name: "", address: "j.dejong@example.net" }], cc: [], subject: "Beschikking – één €", text: "Geachte mevrouw,\n\nTot ziens.",
  html: "<p>Geachte mevrouw,</p>", class: 2, language: "nl", created: TIME, expires: "2026-12-20T09:14:00Z", archive: false,
  attachments: [{ blob: identifier("blob 1"), name: "Beschikking.pdf", type: "application/pdf", size: 3, sha256: Buffer.from(sha256(utf8("abc"))).toString("hex"), pieces: Buffer.from(sha256(sha256(utf8("abc")))).toString("hex"), cid: "" }],
}; // prettier-ignore

function keyPair(label: string) {
  const seed = seeded(`${label} ed25519`);
  const ml = ml_dsa65.keygen(seeded(`${label} ml-dsa`));
  const ed = ed25519.getPublicKey(seed);
  return {
    published: { key: fingerprint(ed, ml.publicKey), ed25519: b64(ed), mldsa65: b64(ml.publicKey) },
    sign: (message: Uint8Array) => ({
      ed25519: b64(ed25519.sign(message, seed)),
      mldsa65: b64(ml_dsa65.sign(message, ml.secretKey, { extraEntropy: false })),
    }),
  };
}

async function manifests(): Promise<unknown> {
  const [ours, old, stranger] = [keyPair("ours"), keyPair("old"), keyPair("stranger")];
  const published = { zegel: "organisation v1", organisation: manifest.organisation, signing: [ours.published, old.published] };
  const line = JSON.stringify(manifest);
  const signature = (by: ReturnType<typeof keyPair>, over: Record<string, string> = {}, text = line) => {
    const facts = { key: by.published.key, host: HOST, sender: SENDER, time: TIME, ...over };
    const signed = by.sign(statement(facts.host, parcel, facts.sender, utf8(text), facts.time));
    return { zegel: "signature v1", suite: "Ed25519+ML-DSA-65", ...facts, ...signed };
  };
  const made = (name: string, expect: string, first: string, second: object | string) => ({
    name, expect, parcel, signed: b64(utf8(`${first}\n${typeof second === "string" ? second : JSON.stringify(second)}\n`)),
  }); // prettier-ignore
  const good = signature(ours);
  const twice = line.replace('"subject":', '"subject":"Ander onderwerp","subject":');
  const cases = [
    made("signed with the key in use", "verified", line, good),
    made("signed with an older key", "verified", line, signature(old)),
    made("with members that nobody knows", "verified", line, { ...good, colour: "blue" }),
    made("signed with a stranger's key", "unverified", line, signature(stranger)),
    made("a stranger's signatures under our fingerprint", "unverified", line, { ...signature(stranger), key: ours.published.key }),
    made("only Ed25519 is right", "unverified", line, { ...good, mldsa65: signature(stranger).mldsa65 }),
    made("only ML-DSA-65 is right", "unverified", line, { ...good, ed25519: signature(stranger).ed25519 }),
    made("the manifest was altered", "unverified", line.replace("mevrouw", "meneer"), good),
    made("given to another sender", "unverified", line, signature(ours, { sender: "ander@voorbeeld.example" })),
    made("given for another host", "unverified", line, signature(ours, { host: "post.elders.example" })),
    made("another time than was signed", "unverified", line, { ...good, time: "2026-11-20T09:14:01Z" }),
    made("another suite", "unverified", line, { ...good, suite: "Ed25519" }),
    made("a name twice in the manifest", "damaged", twice, signature(ours, {}, twice)),
    made("another parcel's manifest", "damaged", line.replace(parcel, identifier("other parcel")), good),
    made("a file name with a path", "damaged", line.replace("Beschikking.pdf", "../Beschikking.pdf"), good),
    made("a file name that turns around", "damaged", line.replace("Beschikking.pdf", "Beschikking\\u202efdp.exe"), good),
    made("a size below nothing", "damaged", line.replace('"size":3', '"size":-1'), good),
    made("an unknown class", "damaged", line.replace('"class":2', '"class":5'), good),
    made("three lines", "damaged", `${line}\n`, good),
  ];
  return { published, line, statement: b64(statement(HOST, parcel, SENDER, utf8(line), TIME)), cases };
}

write("claim", { cases: await claims(), good_secret: SECRET, bad_secrets: BAD_SECRETS });
write("slip", { cases: await slips() });
write("manifest", await manifests());
const blob = new Uint8Array(70_000).map((_, at) => at % 251);
write("blob", { key: parcelKey, size: blob.length, sha256: Buffer.from(sha256(blob)).toString("hex"), sealed: await seal(blob, parcelKey) });
