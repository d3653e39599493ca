/** The ticket of a proof that succeeded, so that a reload asks for no new code. Never the secret. Gone with the tab. */
const key = (slip: string): string => `zegel ticket ${slip}`;

export function keepTicket(slip: string, ticket: string, until: string): void {
  try {
    sessionStorage.setItem(key(slip), JSON.stringify({ ticket, until }));
  } catch {
    // Storage may be switched off: then a reload asks for a proof again.
  }
}

export function keptTicket(slip: string): string | null {
  try {
    const { ticket, until } = JSON.parse(sessionStorage.getItem(key(slip)) ?? "{}") as { ticket?: unknown; until?: unknown };
    if (typeof ticket === "string" && typeof until === "string" && Date.parse(until) > Date.now()) return ticket;
  } catch {
    // As if there were none.
  }
  dropTicket(slip);
  return null;
}

export function dropTicket(slip: string): void {
  try {
    sessionStorage.removeItem(key(slip));
  } catch {
    // Nothing was kept.
  }
}
