/** The reader's language, chosen by `<html lang>`, and how dates, sizes and waits are said in it. */
import type { Texts } from "./texts.nl.ts";
import type { ReaderError } from "./trouble.ts";

export type { Texts };

export const language = document.documentElement.lang.toLowerCase().startsWith("nl") ? "nl" : "en";
/** Only the reader's own language is fetched. */
export const texts: Texts = language === "nl" ? (await import("./texts.nl.ts")).nl : (await import("./texts.en.ts")).en;
const locale = language === "nl" ? "nl-NL" : "en-GB";

const day = new Intl.DateTimeFormat(locale, { dateStyle: "long" });
const minute = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "short" });
export const sayDay = (date: Date): string => day.format(date);
export const sayMoment = (date: Date): string => minute.format(date);

/** 284 kB, 1,8 GB: decimal units, as file managers and providers count. */
export function saySize(bytes: number): string {
  const [unit, size] = bytes >= 1e9 ? ["gigabyte", 1e9] as const : bytes >= 1e6 ? ["megabyte", 1e6] as const : bytes >= 1e3 ? ["kilobyte", 1e3] as const : ["byte", 1] as const; // prettier-ignore
  const value = bytes / size;
  return new Intl.NumberFormat(locale, { style: "unit", unit, maximumFractionDigits: value < 10 && size > 1 ? 1 : 0 }).format(value);
}

export const sayPart = (part: number): string => new Intl.NumberFormat(locale, { style: "percent" }).format(part);

/** What to tell the reader about `error`, with how long to wait where the server said so. */
export function sayTrouble(error: ReaderError): { title: string; text: string } {
  const { title, text } = texts.troubles[error.trouble];
  const wait = error.retryAfter;
  if (!wait) return { title, text };
  const time = wait < 90 ? texts.seconds(wait) : texts.minutes(Math.ceil(wait / 60));
  return { title, text: `${text} ${texts.wait(time)}` };
}
