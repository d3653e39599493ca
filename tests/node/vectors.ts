/** Reading tests/vectors: what the browser's code and the Python rooms must agree on. */
import { readFileSync, writeFileSync } from "node:fs";

declare const VECTORS: string;

export const read = (name: string): any => JSON.parse(readFileSync(`${VECTORS}/${name}.json`, "utf8"));
export const write = (name: string, value: unknown): void => writeFileSync(`${VECTORS}/${name}.json`, `${JSON.stringify(value, null, 1)}\n`);
export const b64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
export const unb64 = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, "base64"));
