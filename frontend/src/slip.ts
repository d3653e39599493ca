/** The slip (docs/format.md §2): a small age file that holds the parcel key, sealed for one reader. */
import { NoMatch } from "./age-header.ts";
import type { Bytes } from "./bytes.ts";
import { openSmall } from "./open-small.ts";
import { ReaderError } from "./trouble.ts";

const TWO_LINES = /^# zegel slip v1 parcel ([a-z2-7]{26})\n(AGE-SECRET-KEY-PQ-1[02-9AC-HJ-NP-Z]{58})\n$/;

/**
 * The parcel key in a slip for `identity`. Throws `wrong-link` when the identity does not open it (the link's secret is
 * another one), `foreign-slip` when it is the slip of another parcel than the server said, `damaged` otherwise.
 */
export async function openSlip(sealed: Bytes, identity: string, parcel: string): Promise<string> {
  let plain: string;
  try {
    plain = new TextDecoder("utf-8", { fatal: true }).decode(await openSmall(sealed, identity));
  } catch (error) {
    throw new ReaderError(error instanceof NoMatch ? "wrong-link" : "damaged", { cause: error });
  }
  const [, named, key] = TWO_LINES.exec(plain) ?? [];
  if (!named || !key) throw new ReaderError("damaged");
  if (named !== parcel) throw new ReaderError("foreign-slip");
  return key;
}
