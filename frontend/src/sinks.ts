/** Where the plaintext of an attachment goes, bit by bit; it becomes a file only when everything was verified. */
import type { Bytes } from "./hex.ts";
import { ReaderError } from "./trouble.ts";

/** What the page asks of the worker. */
export type SinkChoice =
  | { kind: "memory"; type: string }
  | { kind: "file"; handle: FileSystemFileHandle }
  | { kind: "shelf"; name: string };

export interface Sink {
  write(plain: Bytes): Promise<void> | void;
  /** Make it final. A `memory` sink returns the file. */
  finish(): Promise<Blob | null>;
  /** Leave nothing behind. */
  discard(): Promise<void>;
}

/** The folder in the browser's private storage (OPFS) where large files wait for the browser's own download. */
export const SHELF = "zegel-shelf";

export async function openSink(choice: SinkChoice): Promise<Sink> {
  if (choice.kind === "memory") return memorySink(choice.type);
  return choice.kind === "file" ? fileSink(choice.handle) : shelfSink(choice.name);
}

function memorySink(type: string): Sink {
  let parts: Blob[] = [];
  return {
    // A Blob per piece: the piece's buffer is used again, and the browser may move Blobs to disk.
    write: (plain) => void parts.push(new Blob([plain])),
    finish: async () => new Blob(parts, { type }),
    discard: async () => void (parts = []),
  };
}

/** A file that the reader chose. The browser writes to a temporary file and swaps it in on `close`. */
async function fileSink(handle: FileSystemFileHandle): Promise<Sink> {
  const stream = await orNoRoom(handle.createWritable());
  return {
    write: (plain) => orNoRoom(stream.write(plain)),
    finish: async () => {
      await orNoRoom(stream.close());
      return null;
    },
    discard: () => stream.abort().catch(() => undefined),
  };
}

async function shelfSink(name: string): Promise<Sink> {
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(SHELF, { create: true });
  const file = await (await folder.getFileHandle(name, { create: true })).createSyncAccessHandle();
  return {
    write(plain) {
      let written = 0;
      while (written < plain.length) {
        const took = file.write(plain.subarray(written));
        if (!took) throw new ReaderError("no-room");
        written += took;
      }
    },
    finish: async () => {
      file.flush();
      file.close();
      return null;
    },
    discard: async () => {
      file.close();
      await folder.removeEntry(name).catch(() => undefined);
    },
  };
}

async function orNoRoom<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const full = error instanceof DOMException && error.name === "QuotaExceededError";
    throw new ReaderError(full ? "no-room" : "save-failed", { cause: error });
  }
}
