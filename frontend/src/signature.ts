/** The organisation's signature over the manifest (docs/format.md §4.2): Ed25519 and ML-DSA-65, both must verify. */
import { sha256 } from "@noble/hashes/sha2.js";
import { ml_dsa65 } from "@noble/post-quantum/ml-dsa.js";
import { verifyEd25519 } from "./ed25519.ts";
import { concat, fromBase64, toBase32, toHex, utf8, type Bytes } from "./bytes.ts";
import { record, type SignedManifest } from "./manifest.ts";

/** What `/.well-known/zegel` says of the organisation (docs/format.md §5), as far as a reader needs it. */
export interface Organisation {
  organisation: { name: string; host: string };
  signing: { key: string; ed25519: string; mldsa65: string }[];
}

/** The fingerprint that people compare. */
export function fingerprint(ed: Uint8Array, ml: Uint8Array): string {
  const digest = sha256(concat(utf8("zegel signing key v1\n"), ed, ml)).subarray(0, 20);
  return toBase32(digest).match(/.{4}/g)!.join("-");
}

/** The six lines that are signed. */
export function statement(host: string, parcel: string, sender: string, line: Uint8Array, time: string): Bytes {
  const lines = ["zegel manifest v1", host, parcel, sender, toHex(sha256(line)), time];
  if (lines.some((part) => part.includes("\n"))) throw new SyntaxError("line break in a statement");
  return utf8(lines.map((part) => `${part}\n`).join(""));
}

/**
 * Whether the organisation of this server says that the manifest came from its `from` address. Steps:
 *
 * 1. the signature line has the form and suite that we know;
 * 2. its `sender` is the manifest's `from.address`, its `host` the manifest's `organisation.host`;
 * 3. that host is the one whose keys were fetched, and the key with this fingerprint is among them;
 * 4. the fingerprint really is the one of these two public keys;
 * 5. both signatures verify over the statement.
 *
 * Not checked here: that the server which served keys *and* this program is honest (see the threat model).
 */
export async function isVerified(signed: SignedManifest, published: Organisation): Promise<boolean> {
  try {
    const line = record(signed.signature);
    const spelled = (name: string): string => {
      const value = line[name];
      if (typeof value !== "string") throw new SyntaxError(`bad ${name}`);
      return value;
    };
    if (spelled("zegel") !== "signature v1" || spelled("suite") !== "Ed25519+ML-DSA-65") return false;
    const { manifest } = signed;
    const [host, sender, key] = [spelled("host"), spelled("sender"), spelled("key")];
    if (sender !== manifest.from.address || host !== manifest.organisation.host) return false;
    if (host !== published.organisation.host) return false;
    const known = published.signing.find((candidate) => candidate.key === key);
    if (!known) return false;
    const ed = fromBase64(known.ed25519);
    const ml = fromBase64(known.mldsa65);
    if (ed.length !== 32 || ml.length !== 1952 || fingerprint(ed, ml) !== key) return false;
    const message = statement(host, manifest.parcel, sender, signed.line, spelled("time"));
    const classic = await verifyEd25519(fromBase64(spelled("ed25519")), message, ed);
    return classic && ml_dsa65.verify(fromBase64(spelled("mldsa65")), message, ml);
  } catch {
    return false;
  }
}
