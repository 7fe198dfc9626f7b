import { type ApiError, invalid } from '../../errors.ts';
import type { WellKnown } from './fields.ts';

/** RFC 3339 as google.protobuf.Timestamp takes it, clear of the ends of its range. */
const TIMESTAMP =
  /^((?!0000|0001|9999)\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
/** Up to some 3000 years; google.protobuf.Duration takes 10 000. */
const DURATION = /^-?\d{1,11}(?:\.\d{1,9})?s$/;
/** Paths in lowerCamelCase, as google.protobuf.FieldMask wants them in JSON. */
const FIELD_MASK = /^(?:[A-Za-z][A-Za-z0-9]*(?:[.,][A-Za-z][A-Za-z0-9]*)*)?$/;

const EXPECTED: Readonly<Record<WellKnown, string>> = {
  Timestamp: "a time like '2025-01-31T12:00:00.000Z'",
  Duration: "a duration like '1.5s'",
  FieldMask: "names like 'rationale,lastUpdateTime'",
  Value: 'any JSON value',
};

/**
 * Checks the JSON form of one of Google's own messages, which is text but for Value.
 *
 * @param depth - messages around this one; protobuf's Python parser stops at 100 and counts two for
 *   each object or array within a Value.
 * @returns the value as it is.
 * @throws ApiError 400.
 */
export function readWellKnown(message: WellKnown, value: unknown, path: string, depth: number): unknown {
  if (message === 'Value') {
    checkDepth(value, path, depth + 1);
    return value;
  }
  if (typeof value === 'string' && isTextOf(message, value)) {
    return value;
  }
  throw mismatch(message, path);
}

function isTextOf(message: Exclude<WellKnown, 'Value'>, text: string): boolean {
  switch (message) {
    case 'Timestamp': {
      const date = TIMESTAMP.exec(text)?.[1];
      if (date === undefined) {
        return false;
      }
      const time = Date.parse(`${date}T00:00:00Z`);
      // Date.parse may take February 30 for March 2.
      return !Number.isNaN(time) && new Date(time).toISOString().startsWith(date);
    }
    case 'Duration':
      return DURATION.test(text);
    case 'FieldMask':
      return FIELD_MASK.test(text);
  }
}

const MAX_MESSAGE_DEPTH = 100;

function checkDepth(value: unknown, path: string, depth: number): void {
  const isNested = typeof value === 'object' && value !== null;
  if ((isNested ? depth + 1 : depth) > MAX_MESSAGE_DEPTH) {
    throw invalid(`Invalid value for parameter '${path}': nested too deep.`);
  }
  // A double: what would overflow it ends the reading.
  if (typeof value === 'bigint' && !Number.isFinite(Number(value))) {
    throw mismatch('Value', path);
  }
  if (isNested) {
    for (const item of Object.values(value)) {
      checkDepth(item, path, depth + 2);
    }
  }
}

function mismatch(message: WellKnown, path: string): ApiError {
  return invalid(`Invalid value for parameter '${path}': expected ${EXPECTED[message]}.`);
}
