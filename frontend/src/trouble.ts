/**
 * Everything that can go wrong while somebody reads a parcel, each with a text of its own in `texts.*.ts`.
 * No secret, and nothing of the message, is ever part of an error.
 */
export type Trouble =
  | "cut-link"
  | "wrong-link"
  | "foreign-slip"
  | "damaged"
  | "damaged-file"
  | "unknown-slip"
  | "revoked"
  | "expired"
  | "ticket-expired"
  | "proof-failed"
  | "proof-paused"
  | "code-paused"
  | "offline"
  | "server"
  | "old-browser"
  | "no-room"
  | "save-failed"
  | "stopped";

export class ReaderError extends Error {
  readonly trouble: Trouble;
  /** Seconds to wait, where waiting helps. */
  readonly retryAfter: number | undefined;

  constructor(trouble: Trouble, options: { cause?: unknown; retryAfter?: number | undefined } = {}) {
    super(trouble, { cause: options.cause });
    this.name = "ReaderError";
    this.trouble = trouble;
    this.retryAfter = options.retryAfter;
  }
}

/** What to tell the reader about any error: ours as it is, a stranger as `fallback`. */
export function troubleOf(error: unknown, fallback: Trouble): ReaderError {
  return error instanceof ReaderError ? error : new ReaderError(fallback, { cause: error });
}
