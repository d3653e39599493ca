/** From an answer of the server to a message: the order of steps in which a parcel is opened and checked. */
import { refusal, send, type OpenAnswer, type ParcelPlace, type ParcelSource } from "./api.ts";
import { NoMatch } from "./age-header.ts";
import { fromBase64, type Bytes } from "./bytes.ts";
import { deriveSeed, spellIdentity } from "./claim.ts";
import { readSigned, type Attachment, type Manifest } from "./manifest.ts";
import type { OpenJob } from "./open-worker.ts";
import { openSmall } from "./open-small.ts";
import { isVerified } from "./signature.ts";
import type { SinkChoice } from "./sinks.ts";
import { openSlip } from "./slip.ts";
import { ReaderError, troubleOf } from "./trouble.ts";

const MANIFEST_LIMIT = 17 * 1024 * 1024;

export interface Parcel {
  manifest: Manifest;
  verified: boolean;
  key: string;
  /** What a worker needs to open one attachment into `sink`; throws `damaged-file` when the server has no such blob. */
  job(attachment: Attachment, sink: SinkChoice): Omit<OpenJob, "whole">;
}

/**
 * 1. the parcel key, whoever gives it; 2. blob 0, the manifest; 3. the organisation's signature. Attachments come later,
 * one by one, and are checked against the manifest.
 */
export async function openParcel(source: ParcelSource, answer: ParcelPlace, given: Promise<string>): Promise<Parcel> {
  const published = source.organisation();
  published.catch(() => undefined);
  const sealed = fetchWhole(source, answer);
  sealed.catch(() => undefined);
  const key = await given;
  const signed = readSigned(await openManifest(await sealed, key), answer.parcel);
  const verified = await isVerified(signed, await published);
  const sizes = new Map(answer.blobs.slice(1).map(({ blob, size }) => [blob, size]));
  return {
    manifest: signed.manifest,
    verified,
    key,
    job(attachment, sink) {
      const size = sizes.get(attachment.blob);
      if (size === undefined) throw new ReaderError("damaged-file");
      return { ...source.blobRequest(attachment.blob), sealed: size, size: attachment.size, pieces: attachment.pieces, sink };
    },
  };
}

/** Identity from link secret and release share, then the slip, and that it is this parcel's. */
export async function parcelKey(slip: string, secret: Bytes, answer: OpenAnswer): Promise<string> {
  let share: Bytes;
  let sealed: Bytes;
  try {
    share = fromBase64(answer.share);
    sealed = fromBase64(answer.slip);
  } catch (error) {
    throw new ReaderError("damaged", { cause: error });
  }
  if (share.length !== 32) throw new ReaderError("damaged");
  const seed = await deriveSeed(secret, share, slip);
  return openSlip(sealed, spellIdentity(seed), answer.parcel);
}

async function openManifest(sealed: Bytes, key: string): Promise<Bytes> {
  try {
    return await openSmall(sealed, key);
  } catch (error) {
    // The parcel key does not fit: the server gave us a blob of another parcel.
    throw error instanceof NoMatch ? new ReaderError("damaged", { cause: error }) : troubleOf(error, "damaged");
  }
}

async function fetchWhole(source: ParcelSource, answer: ParcelPlace): Promise<Bytes> {
  const place = answer.blobs[0]!;
  if (place.size > MANIFEST_LIMIT) throw new ReaderError("damaged");
  const { url, headers, session } = source.blobRequest(place.blob);
  const response = await send(url, { headers }, session);
  if (!response.ok) throw await refusal(response);
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw new ReaderError("offline", { cause: error });
  }
}
