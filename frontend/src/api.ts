/** The reader's half of the HTTP API (docs/format.md §7). No cookies, no referrer, and never the link secret. */
import { isIdentifier } from "./identifier.ts";
import type { Organisation } from "./signature.ts";
import { ReaderError, type Trouble } from "./trouble.ts";

export type ProofKind = "mail" | "code" | "sms";

export interface SlipFacts {
  organisation: { name: string; host: string };
  sender: { name: string; address: string };
  proof: { kind: ProofKind; hint: string };
  created: string;
  expires: string;
  language: string;
}

export interface BlobPlace {
  blob: string;
  size: number;
}

/** What every opened parcel needs of the server that has it, whoever reads. */
export interface ParcelPlace {
  parcel: string;
  blobs: BlobPlace[];
}

/** How one sealed blob is asked for. `session`: with the cookie of a login, which a reader with a link never has. */
export interface BlobRequest {
  url: string;
  headers: Record<string, string>;
  session: boolean;
}

/** Where a parcel's blobs and the organisation's keys come from. */
export interface ParcelSource {
  blobRequest(blob: string): BlobRequest;
  organisation(): Promise<Organisation>;
}

export interface OpenAnswer extends ParcelPlace {
  slip: string;
  share: string;
  ticket: string;
  ticket_until: string;
}

/** Either a proof, or the ticket of an earlier one. */
export type Claimant = { proof: { kind: ProofKind; code?: string } } | { ticket: string };

const BY_CODE: Record<string, Trouble> = {
  "unknown-slip": "unknown-slip",
  "unknown-blob": "damaged-file",
  "bad-identifier": "unknown-slip",
  revoked: "revoked",
  expired: "expired",
  "proof-failed": "proof-failed",
  "proof-paused": "proof-paused",
  "code-paused": "code-paused",
  "bad-ticket": "ticket-expired",
  "ticket-expired": "ticket-expired",
};

export class ReaderApi {
  readonly #base: string;
  readonly #language: string;
  readonly #slip: string;

  constructor(base: string, slip: string, language: string) {
    if (!isIdentifier(slip)) throw new ReaderError("unknown-slip");
    this.#base = base;
    this.#slip = slip;
    this.#language = language;
  }

  async facts(): Promise<SlipFacts> {
    return (await this.#call("GET", "")).json() as Promise<SlipFacts>;
  }

  async sendCode(): Promise<void> {
    await this.#call("POST", "/code", { language: this.#language });
  }

  async open(claimant: Claimant): Promise<OpenAnswer> {
    const answer = (await (await this.#call("POST", "/open", claimant)).json()) as OpenAnswer;
    checkPlace(answer);
    return answer;
  }

  /** The parcel's blobs, for who shows `ticket`. */
  source(ticket: string): ParcelSource {
    const headers = { Authorization: `Ticket ${ticket}`, "Accept-Language": this.#language };
    return { organisation, blobRequest: (blob) => ({ url: `${this.#base}/slips/${this.#slip}/blobs/${blob}`, headers, session: false }) };
  }

  async #call(method: string, path: string, body?: unknown): Promise<Response> {
    const headers: Record<string, string> = { Accept: "application/json", "Accept-Language": this.#language };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const response = await send(`${this.#base}/slips/${this.#slip}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw await refusal(response);
    return response;
  }
}

/** Refuse an answer that names no parcel or no blobs. */
export function checkPlace({ parcel, blobs }: ParcelPlace): void {
  if (!isIdentifier(parcel) || !blobs.length || !blobs.every((place) => isIdentifier(place.blob))) throw new ReaderError("server");
}

/** The organisation that runs this server, with its keys. */
export async function organisation(): Promise<Organisation> {
  const response = await send("/.well-known/zegel", {});
  if (!response.ok) throw await refusal(response);
  return response.json() as Promise<Organisation>;
}

/** `fetch` as every request goes; without `session` no cookie does. Throws `offline` when there is no answer at all. */
export async function send(url: string, options: RequestInit, session = false): Promise<Response> {
  // Without a referrer a browser may say `Origin: null`, and the check for other sites' forms refuses that.
  const [credentials, referrerPolicy] = session ? (["same-origin", "same-origin"] as const) : (["omit", "no-referrer"] as const);
  try {
    return await fetch(url, { ...options, credentials, referrerPolicy, cache: "no-store", redirect: "error" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw new ReaderError("stopped", { cause: error });
    throw new ReaderError("offline", { cause: error });
  }
}

/** The trouble that a refusing answer stands for. */
export async function refusal(response: Response): Promise<ReaderError> {
  let code = "";
  let wait = Number(response.headers.get("Retry-After"));
  try {
    const problem = (await response.json()) as { code?: unknown; retry_after?: unknown };
    if (typeof problem.code === "string") code = problem.code;
    if (typeof problem.retry_after === "number") wait = problem.retry_after;
  } catch {
    // A proxy's own page: the status alone must do.
  }
  const byStatus: Trouble = response.status === 401 || response.status === 403 ? "ticket-expired" : "server";
  const trouble = BY_CODE[code] ?? (response.status === 404 || response.status === 410 ? "unknown-slip" : byStatus);
  return new ReaderError(trouble, { retryAfter: wait > 0 ? Math.ceil(wait) : undefined });
}
