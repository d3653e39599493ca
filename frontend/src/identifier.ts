/** How parcels, blobs and slips are named (docs/format.md §1): 26 characters of base32, the spare bits zero. */
const IDENTIFIER = /^[a-z2-7]{25}[aeimquy4]$/;

export const isIdentifier = (text: unknown): text is string => typeof text === "string" && IDENTIFIER.test(text);
