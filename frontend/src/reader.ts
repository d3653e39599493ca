/**
 * The reader's page: link → who wrote → proof → opened message. The page that the server sends is empty; what is shown here
 * was opened in this browser, and neither the link secret nor anything opened goes back.
 */
import { ReaderApi, type Claimant } from "./api.ts";
import type { Bytes } from "./bytes.ts";
import { readSecret } from "./link.ts";
import { showMessage } from "./message-screen.ts";
import { openParcel, parcelKey } from "./parcel.ts";
import { showProof } from "./proof-screen.ts";
import { clearShelf } from "./save.ts";
import { showTrouble } from "./screens.ts";
import { language } from "./texts.ts";
import { dropTicket, keepTicket, keptTicket } from "./ticket.ts";
import { ReaderError, troubleOf, type Trouble } from "./trouble.ts";

/** After these, asking again may give another answer. */
const AGAIN = new Set<Trouble>(["offline", "server", "ticket-expired"]);

const main = document.getElementById("collect")!;
const place = document.getElementById("screen")!;
const slip = main.dataset["slip"] ?? "";

const fail = (error: unknown): void => {
  const trouble = troubleOf(error, "server");
  if (trouble.trouble === "ticket-expired") dropTicket(slip);
  showTrouble(place, trouble, AGAIN.has(trouble.trouble) ? () => void start() : undefined);
};

async function start(): Promise<void> {
  try {
    // The link first: who cannot open the message with it need not be asked for a code.
    const secret = readSecret(location.hash);
    if (!globalThis.isSecureContext || !crypto.subtle) throw new ReaderError("old-browser");
    const api = new ReaderApi(main.dataset["api"] ?? "/api/v1/reader", slip, language);
    const ticket = keptTicket(slip);
    if (ticket && (await reopened(api, secret, ticket))) return;
    const facts = await api.facts();
    showProof({ place, api, facts, prove: (claimant) => open(api, secret, claimant), fail });
  } catch (error) {
    fail(error);
  }
}

/** A reload within the hour: no new proof. False when the ticket is no longer good. */
async function reopened(api: ReaderApi, secret: Bytes, ticket: string): Promise<boolean> {
  try {
    await open(api, secret, { ticket });
    return true;
  } catch (error) {
    const { trouble } = troubleOf(error, "server");
    if (trouble !== "ticket-expired" && trouble !== "proof-failed") throw error;
    dropTicket(slip);
    return false;
  }
}

async function open(api: ReaderApi, secret: Bytes, claimant: Claimant): Promise<void> {
  const answer = await api.open(claimant);
  keepTicket(slip, answer.ticket, answer.ticket_until);
  const parcel = await openParcel(api.source(answer.ticket), answer, parcelKey(slip, secret, answer));
  await showMessage(place, parcel, fail);
}

/**
 * A change of language posts a form and comes back; without its `#…` the link would be cut. A browser sends that part
 * nowhere, and keeps it over the redirect.
 */
function keepSecretOverLanguage(): void {
  const form = document.querySelector<HTMLFormElement>("form#language");
  if (form) form.action = `${form.getAttribute("action")}${location.hash}`;
}

window.addEventListener("hashchange", () => location.reload());
keepSecretOverLanguage();
void clearShelf();
void start();
