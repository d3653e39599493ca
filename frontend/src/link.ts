/** The reader's link (docs/format.md §3): what stands after `#` never leaves this page. */
import { fromBase64Url, type Bytes } from "./bytes.ts";
import { ReaderError } from "./trouble.ts";

/** Read the link secret from `location.hash`; throws `cut-link` when a mail program cut or altered it. */
export function readSecret(hash: string): Bytes {
  const text = hash.replace(/^#/, "");
  if (/^[A-Za-z0-9_-]{43}$/.test(text)) {
    try {
      return fromBase64Url(text);
    } catch (error) {
      throw new ReaderError("cut-link", { cause: error });
    }
  }
  throw new ReaderError("cut-link");
}
