/**
 * JSON in which no name stands twice (docs/format.md §1). `JSON.parse` keeps the last of two members of one name, other
 * programs the first: with that a sender could show two readers two messages under one signature.
 */
export function parseStrict(text: string): unknown {
  const value: unknown = JSON.parse(text);
  refuseRepeats(text);
  return value;
}

/** `text` is known to be JSON, so strings and braces are all there is to look at. */
function refuseRepeats(text: string): void {
  const open: (Set<string> | null)[] = [];
  const token = /"(?:[^"\\]|\\.)*"\s*(:?)|[{}[\]]/gs;
  for (let match = token.exec(text); match; match = token.exec(text)) {
    const found = match[0];
    if (found === "{") open.push(new Set());
    else if (found === "[") open.push(null);
    else if (found === "}" || found === "]") open.pop();
    else if (match[1]) {
      const name = JSON.parse(found.slice(0, found.lastIndexOf('"') + 1)) as string;
      const names = open.at(-1);
      if (!names || names.has(name)) throw new SyntaxError("a name stands twice");
      names.add(name);
    }
  }
}
