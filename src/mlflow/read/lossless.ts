/** JSON.rawJSON and the source text of JSON.parse's reviver (ECMAScript 2026), which TypeScript does not know yet. */
interface SourceTextJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): object;
}

const json = JSON as unknown as SourceTextJson;

/** Numbers that a double would not give back as they were written. */
const FRAGILE = /\d{16}|\d\.\d*0\b|\d[eE]|-0\b/;

/**
 * JSON.parse whose result JSON.stringify writes back with every number as it stood: a 64-bit step,
 * `1.0` and `1e3` survive. Such numbers are opaque objects in the result.
 */
export function parseLossless(text: string): unknown {
  if (!FRAGILE.test(text)) {
    return JSON.parse(text);
  }
  return json.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source
      ? json.rawJSON(source)
      : value,
  );
}

/** JSON.stringify that writes integers beyond 2^53, which readJson gives as bigints, where JSON.stringify throws. */
export function writeExact(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'bigint' ? json.rawJSON(String(part)) : part,
  );
}
