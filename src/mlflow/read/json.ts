import { invalid } from '../../errors.ts';

export interface JsonLimits {
  /** Objects and arrays within each other; Python's parser overflows its stack near 1000. */
  readonly maxDepth?: number;
}

/** Python's json refuses integers of more than 4300 digits, and Flask takes what json refuses for `{}`. */
const MAX_NUMBER_LENGTH = 400;

/** Digits from which on an integer may be beyond 2^53. */
const UNSAFE_DIGITS = 16;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const MINUS = 0x2d;

/**
 * Parses a JSON body that every reader understands alike: strict UTF-8 without a byte order mark, one
 * object, no key twice, nothing that Python's json takes and RFC 8259 does not (`NaN`) or reads
 * differently. Integers beyond 2^53 become bigints, so that they are compared exactly.
 *
 * @param bytes - the whole body; an empty one is `{}`, as for MLflow.
 * @throws ApiError 400.
 */
export function readJson(bytes: Uint8Array, { maxDepth = 100 }: JsonLimits = {}): Record<string, unknown> {
  if (bytes.length === 0) {
    return {};
  }
  const source = decode(bytes);
  const outline = scan(source);
  if (outline.depth > maxDepth) {
    throw invalid(`The body is nested more than ${maxDepth} levels deep.`);
  }
  if (outline.longestNumber > MAX_NUMBER_LENGTH) {
    throw invalid('The body has a number of too many digits.');
  }
  const value = parse(source, outline.hasLongInteger);
  // MLflow parses a string once more: a body within the body.
  if (!isObject(value)) {
    throw invalid('The body must be a JSON object.');
  }
  if (countKeys(value, source.includes('\\')) !== outline.colons) {
    throw invalid('The body has a key twice.');
  }
  return value;
}

/** Whether a JSON value is an object, not an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A JSON value that is text with something in it; undefined for any other. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw invalid('The body is not valid UTF-8.', { cause });
  }
}

interface Outline {
  readonly depth: number;
  /** Outside strings: one for each key as written. */
  readonly colons: number;
  /** Characters of the longest number. */
  readonly longestNumber: number;
  /** Whether an integer is written in so many digits that a double may round it. */
  readonly hasLongInteger: boolean;
}

/** Measures a JSON text in one pass without parsing it; of no use for a text that is not JSON. */
function scan(text: string): Outline {
  let depth = 0;
  let deepest = 0;
  let colons = 0;
  let longestNumber = 0;
  let hasLongInteger = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
    } else if (code === COLON) {
      colons += 1;
    } else if (code === MINUS || isDigit(code)) {
      const start = at;
      while (isDigit(text.charCodeAt(at + 1))) {
        at += 1;
      }
      if (at - start >= UNSAFE_DIGITS - 1) {
        hasLongInteger ||= !isFractionPart(text.charCodeAt(at + 1));
      }
      while (isDigit(text.charCodeAt(at + 1)) || isFractionPart(text.charCodeAt(at + 1))) {
        at += 1;
      }
      if (at - start >= longestNumber) {
        longestNumber = at - start + 1;
      }
    } else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > deepest) {
        deepest = depth;
      }
    } else if (code === 0x7d || code === 0x5d) {
      depth -= 1;
    }
  }
  return { depth: deepest, colons, longestNumber, hasLongInteger };
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** `.`, `e`, `E`, `+`, `-`: what stands in a number behind its integer part. */
function isFractionPart(code: number): boolean {
  return code === 0x2e || (code | 0x20) === 0x65 || code === 0x2b || code === MINUS;
}

/** Position of the quote that closes the string opened at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let first = end;
    while (text.charCodeAt(first - 1) === BACKSLASH) {
      first -= 1;
    }
    if ((end - first) % 2 === 0) {
      return end;
    }
  }
  return text.length;
}

function parse(text: string, hasLongInteger: boolean): unknown {
  try {
    return hasLongInteger ? JSON.parse(text, exactIntegers) : JSON.parse(text);
  } catch (cause) {
    throw invalid('The body is not valid JSON.', { cause });
  }
}

/** Reviver that keeps integers which a number would round; reads the source text of the value. */
function exactIntegers(_key: string, value: unknown, ...[context]: unknown[]): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !isObject(context)) {
    return value;
  }
  const { source } = context;
  return typeof source === 'string' && /^-?\d+$/.test(source) ? BigInt(source) : value;
}

/** Counts the keys at all levels, and refuses those that two readers take for different ones. */
function countKeys(value: unknown, hasEscapes: boolean): number {
  if (typeof value === 'string') {
    if (hasEscapes && !value.isWellFormed()) {
      throw invalid('The body has half a surrogate pair.');
    }
    return 0;
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) {
      throw invalid('The body has a number that is too large.');
    }
    return 0;
  }
  if (typeof value !== 'object' || value === null) {
    return 0;
  }
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) {
      count += countKeys(item, hasEscapes);
    }
    return count;
  }
  // JSON.parse makes own properties alone; a list of entries would be thousands of arrays for a large batch.
  for (const key in value) {
    if (key === '__proto__') {
      throw invalid("The body has a key named '__proto__'.");
    }
    // protobuf's Python parser compares names up to the first NUL: "run_id\0x" sets run_id.
    if (hasEscapes && (key.includes('\0') || !key.isWellFormed())) {
      throw invalid('The body has a key with a character that names must not have.');
    }
    count += 1 + countKeys((value as Record<string, unknown>)[key], hasEscapes);
  }
  return count;
}
