/**
 * The digest in pieces (docs/format.md §4): SHA-256 over the SHA-256 digests of every MiB. The platform digests only what
 * is in memory as a whole; so it can do large files too, on a thread of its own. 32 bytes are kept per MiB.
 */
import { toHexDigits, type Bytes } from "./hex.ts";

export const PIECE = 1024 * 1024;

export class PieceDigest {
  #digests: Bytes[] = [];
  #last: Promise<void> = Promise.resolve();
  #ended = false;

  /**
   * Take the next piece. Its bytes are copied before this returns (Web Cryptography API, `digest`, step 3), so the caller
   * may use the buffer again while the platform digests; at most one digest is under way.
   */
  async add(piece: Bytes): Promise<void> {
    if (this.#ended || piece.length > PIECE) throw new RangeError("only the last piece may be short");
    if (!piece.length) return;
    this.#ended = piece.length < PIECE;
    const digest = crypto.subtle.digest("SHA-256", piece);
    await this.#last;
    this.#last = digest.then((bytes) => void this.#digests.push(new Uint8Array(bytes)));
  }

  async finish(): Promise<string> {
    await this.#last;
    const all = new Uint8Array(32 * this.#digests.length);
    this.#digests.forEach((digest, at) => all.set(digest, 32 * at));
    return toHexDigits(new Uint8Array(await crypto.subtle.digest("SHA-256", all)));
  }
}
