/**
 * What becomes of opened plaintext: it is digested and goes to its sink. Small files are put together in memory; of large
 * ones one piece at a time is there.
 */
import type { Bytes } from "./hex.ts";
import { PieceDigest } from "./pieces.ts";
import type { Sink } from "./sinks.ts";

export interface Drain {
  /** Room for the next piece of `length` bytes; the room of the piece before may be used again. */
  lend(length: number): Bytes;
  /** Take the piece, filled: a whole one (`PIECE`), but for the last. */
  take(plain: Bytes): Promise<void>;
  /** The digest of all pieces, as hex; after this the sink may be finished. */
  digest(): Promise<string>;
}

/** Everything in one buffer of the file's size. */
export function wholeDrain(size: number, keep: (whole: Bytes) => void): Drain {
  const whole = new Uint8Array(size);
  const pieces = new PieceDigest();
  let at = 0;
  return {
    lend: (length) => whole.subarray(at, at + length),
    async take(plain) {
      at += plain.length;
      await pieces.add(plain);
    },
    async digest() {
      keep(whole);
      return pieces.finish();
    },
  };
}

/** Piece by piece into `sink`. */
export function streamDrain(sink: Sink, piece: number): Drain {
  const room = new Uint8Array(piece);
  const pieces = new PieceDigest();
  return {
    lend: (length) => room.subarray(0, length),
    async take(plain) {
      await pieces.add(plain);
      await sink.write(plain);
    },
    digest: () => pieces.finish(),
  };
}
