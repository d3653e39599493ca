/**
 * A message for an own mailbox, read inside by somebody who is logged in. The key comes from the inside zone instead of
 * from a link; everything else is opened and checked here as on a reader's page.
 */
import { checkPlace, organisation, refusal, send, type ParcelPlace, type ParcelSource } from "./api.ts";
import { isIdentifier } from "./identifier.ts";
import { showMessage } from "./message-screen.ts";
import { openParcel } from "./parcel.ts";
import { clearShelf } from "./save.ts";
import type { Organisation } from "./signature.ts";
import { showTrouble } from "./screens.ts";
import { language } from "./texts.ts";
import { ReaderError, troubleOf, type Trouble } from "./trouble.ts";

const KEY = /^AGE-SECRET-KEY-PQ-1[02-9AC-HJ-NP-Z]{58}$/;
const AGAIN = new Set<Trouble>(["offline", "server", "ticket-expired"]);

const main = document.getElementById("collect")!;
const place = document.getElementById("screen")!;
const slip = main.dataset["slip"] ?? "";

const fail = (error: unknown): void => {
  const trouble = troubleOf(error, "server");
  // Whoever is no longer logged in gets the login page when he loads this one again.
  showTrouble(place, trouble, AGAIN.has(trouble.trouble) ? () => location.reload() : undefined);
};

async function start(): Promise<void> {
  try {
    if (!isIdentifier(slip)) throw new ReaderError("unknown-slip");
    if (!globalThis.isSecureContext || !crypto.subtle) throw new ReaderError("old-browser");
    const base = `/inside/received/${slip}`;
    const headers = { Accept: "application/json", "Accept-Language": language, "X-CSRFToken": main.dataset["token"] ?? "" };
    const response = await send(`${base}/open`, { method: "POST", headers }, true);
    if (!response.ok) throw await refusal(response);
    const answer = (await response.json()) as ParcelPlace & { key: string; origin?: Organisation };
    checkPlace(answer);
    if (!KEY.test(answer.key)) throw new ReaderError("server");
    const { origin } = answer;
    const blobHeaders = { "Accept-Language": language };
    const source: ParcelSource = {
      // What came from elsewhere is verified with the keys of who sent it, as our inside zone found them.
      organisation: origin ? () => Promise.resolve(origin) : organisation,
      blobRequest: (blob) => ({ url: `${base}/blobs/${blob}`, headers: blobHeaders, session: true }),
    };
    await showMessage(place, await openParcel(source, answer, Promise.resolve(answer.key)), fail, origin?.organisation);
  } catch (error) {
    fail(error);
  }
}

void clearShelf();
void start();
