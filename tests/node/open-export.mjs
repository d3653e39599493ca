// Opens an export with age-encryption and nothing of ours: LINK on standard input, the export's folder as argument.
// Written from docs/format.md alone, as a stranger would.
import { createHash, hkdfSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { Decrypter } from "age-encryption";
import { bech32 } from "@scure/base";

const folder = process.argv.at(-1);
const link = new URL(readFileSync(0, "utf8").trim());
const slip = link.pathname.split("/").at(-1);

// RFC 4648 base32, lower case, no padding (§1).
function base32(text) {
  const bits = [...text].map((c) => "abcdefghijklmnopqrstuvwxyz234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

// §3: the identity follows from both halves.
const secret = Buffer.from(link.hash.slice(1), "base64url");
const share = Buffer.from(readFileSync(`${folder}/release-share.txt`, "utf8").trim(), "base64url");
const seed = new Uint8Array(hkdfSync("sha256", Buffer.concat([secret, share]), base32(slip), "zegel claim v1", 32));
const identity = bech32.encodeFromBytes("age-secret-key-pq-", seed).toUpperCase();

async function open(name, key, as) {
  const decrypter = new Decrypter();
  decrypter.addIdentity(key);
  return decrypter.decrypt(readFileSync(`${folder}/${name}`), as);
}

// §2 and §4: slip → parcel key → manifest → attachments.
const parcelKey = (await open("slip.age", identity, "text")).split("\n").find((line) => line.startsWith("AGE-"));
const { blobs } = JSON.parse(readFileSync(`${folder}/parcel.json`, "utf8"));
const manifest = JSON.parse((await open(`blobs/${blobs[0]}.age`, parcelKey, "text")).split("\n")[0]);
const attachments = [];
for (const attachment of manifest.attachments) {
  const data = await open(`blobs/${attachment.blob}.age`, parcelKey, "uint8array");
  const sha256 = createHash("sha256").update(data).digest("hex");
  attachments.push({ name: attachment.name, size: data.length, sha256, whole: sha256 === attachment.sha256 });
}
process.stdout.write(JSON.stringify({ subject: manifest.subject, text: manifest.text, attachments }));
