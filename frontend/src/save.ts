/**
 * How an attachment reaches the reader's disk. Small ones are kept in memory and handed to the browser's own download;
 * large ones go to a file that the reader chooses, or (Firefox, Safari) to a shelf in the browser's private storage first.
 * In all ways nothing is saved before size and digest have been verified.
 */
import { MEMORY_BYTES } from "./opener.ts";
import { SHELF, type SinkChoice } from "./sinks.ts";
import { ReaderError } from "./trouble.ts";

/** Without shelf or file picker: what a browser can be asked to keep in memory at all. */
const LAST_RESORT_BYTES = 1024 * 1024 * 1024;
/** Never rendered by the browser as a page of this server, whatever the sender called it. */
const NEUTRAL_TYPE = "application/octet-stream";

export interface Place {
  sink: SinkChoice;
  /** The whole file stays in memory, which this browser may refuse: the reader should know beforehand. */
  heavy?: true;
  /** Hand a verified file over to the reader. */
  complete(file: Blob | null): Promise<void>;
  /** Leave nothing behind after trouble. */
  discard(): Promise<void>;
}

const nothing = async (): Promise<void> => undefined;

/** Choose a place; must be called straight from the reader's click. Throws `stopped`, `no-room`. */
export async function choosePlace(name: string, size: number): Promise<Place> {
  if (size <= MEMORY_BYTES) return memoryPlace(name);
  if (typeof window.showSaveFilePicker === "function") return pickedPlace(name);
  return (await shelfPlace(name, size)) ?? lastResort(name, size);
}

/** Whether several files can go to one folder that the reader chooses once. */
export const canChooseFolder = (): boolean => typeof window.showDirectoryPicker === "function";

/** The reader's choice of a folder; throws `stopped`. */
export async function chooseFolder(): Promise<(name: string) => Promise<Place>> {
  const folder = await picked(() => window.showDirectoryPicker({ mode: "readwrite" }));
  return async (name) => {
    const free = await freeName(folder, name);
    const handle = await folder.getFileHandle(free, { create: true });
    return { sink: { kind: "file", handle }, complete: nothing, discard: () => folder.removeEntry(free).catch(() => undefined) };
  };
}

/** Remove what an earlier page left on the shelf (a tab that was closed halfway). */
export async function clearShelf(): Promise<void> {
  try {
    await (await navigator.storage.getDirectory()).removeEntry(SHELF, { recursive: true });
  } catch {
    // There was none, or this browser has no private storage.
  }
}

function memoryPlace(name: string): Place {
  return {
    sink: { kind: "memory", type: NEUTRAL_TYPE },
    complete: async (file) => download(file!, name),
    discard: nothing,
  };
}

async function pickedPlace(name: string): Promise<Place> {
  const handle = await picked(() => window.showSaveFilePicker({ suggestedName: name }));
  return { sink: { kind: "file", handle }, complete: nothing, discard: () => removeEmpty(handle) };
}

async function shelfPlace(name: string, size: number): Promise<Place | null> {
  try {
    const { quota = 0, usage = 0 } = await navigator.storage.estimate();
    if (quota - usage < size) return null;
    const root = await navigator.storage.getDirectory();
    const shelved = crypto.randomUUID();
    return {
      sink: { kind: "shelf", name: shelved },
      complete: async () => {
        const file = await (await (await root.getDirectoryHandle(SHELF)).getFileHandle(shelved)).getFile();
        // No type of its own: a Blob slice of it would be copied, a File is read by the browser as it saves.
        download(file, name);
      },
      discard: nothing,
    };
  } catch {
    return null;
  }
}

function lastResort(name: string, size: number): Place {
  if (size > LAST_RESORT_BYTES) throw new ReaderError("no-room");
  return { ...memoryPlace(name), heavy: true };
}

function download(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // The browser reads the file after the click; a minute is enough to have begun, and then it holds on to it.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function picked<T>(pick: () => Promise<T>): Promise<T> {
  try {
    return await pick();
  } catch (error) {
    throw new ReaderError("stopped", { cause: error });
  }
}

/** A picker makes an empty file before anything is written; when nothing was saved it should not stay. */
async function removeEmpty(handle: FileSystemFileHandle): Promise<void> {
  try {
    if ((await handle.getFile()).size === 0) await (handle as FileSystemFileHandle & { remove?: () => Promise<void> }).remove?.();
  } catch {
    // Then it stays, empty.
  }
}

/** “brief.pdf” → “brief (2).pdf” when there is one already: names may repeat, and nothing of the reader is overwritten. */
async function freeName(folder: FileSystemDirectoryHandle, name: string): Promise<string> {
  const dot = name.lastIndexOf(".");
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${stem} (${number})${ending}`;
    try {
      await folder.getFileHandle(candidate);
    } catch (error) {
      if (error instanceof DOMException && error.name === "TypeMismatchError") continue;
      return candidate;
    }
  }
}
