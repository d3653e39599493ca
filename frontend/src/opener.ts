/** The page's side of the worker that opens attachments: it answers with the key of one payload, and listens. */
import { NoMatch, payloadKey, unwrap } from "./age-header.ts";
import type { FromWorker, OpenJob, ToWorker } from "./open-worker.ts";
import { newOpenWorker } from "./trusted.ts";
import { ReaderError, troubleOf } from "./trouble.ts";

export interface Opening {
  /** The file for a `memory` sink, else null; rejects with a ReaderError. */
  file: Promise<Blob | null>;
  stop(): void;
}

/** Up to this size a file is put together in memory. */
export const MEMORY_BYTES = 64 * 1024 * 1024;

/** Open one blob with the parcel key; `progress` hears how many bytes of plaintext are there. */
export function openBlob(job: Omit<OpenJob, "whole">, parcelKey: string, progress: (bytes: number) => void): Opening {
  const worker = newOpenWorker();
  const tell = (message: ToWorker): void => worker.postMessage(message);
  let stop: () => void = () => undefined;
  const file = new Promise<Blob | null>((resolve, reject) => {
    stop = () => reject(new ReaderError("stopped"));
    // Without a message the worker's program could not be fetched.
    worker.onerror = ({ message }) => reject(new ReaderError(message ? "server" : "offline", { cause: message }));
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.say === "header") {
        unwrap(data.header, parcelKey).then(
          (fileKey) => tell({ say: "key", key: payloadKey(fileKey, data.nonce) }),
          // The parcel key opens every blob of its parcel: when it does not, this is another blob.
          (error: unknown) => reject(error instanceof NoMatch ? new ReaderError("damaged-file", { cause: error }) : troubleOf(error, "damaged-file")),
        );
      } else if (data.say === "progress") progress(data.bytes);
      else if (data.say === "done") resolve(data.file);
      else reject(new ReaderError(data.trouble, { retryAfter: data.retryAfter }));
    };
  }).finally(() => worker.terminate());
  tell({ say: "open", job: { ...job, whole: job.size <= MEMORY_BYTES } });
  return { file, stop };
}
