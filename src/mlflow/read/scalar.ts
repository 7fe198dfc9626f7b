import { type ApiError, invalid } from '../../errors.ts';
import type { Scalar } from './fields.ts';

/** Smallest and largest value, both included. */
const RANGES = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  fixed32: [0n, 2n ** 32n - 1n],
  fixed64: [0n, 2n ** 64n - 1n],
} as const;

type Integer = keyof typeof RANGES;

/** No sign but minus, no blanks, underscores or digits of other scripts: Python's int() takes all of them. */
const INTEGER = /^-?\d{1,40}$/;
/** A common subset of what Python's float() takes. */
const FLOAT = /^-?\d{1,400}(?:\.\d{1,400})?(?:[eE][+-]?\d{1,4})?$/;
const BASE64 = /^(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)={0,2}$/;
/** The spellings of proto3 JSON; `nan` and `inf` are Python's alone. */
const NON_FINITE = new Set(['NaN', 'Infinity', '-Infinity']);
const FLOAT_MAX = 3.4028234663852886e38;

const EXPECTED: Readonly<Record<Scalar, string>> = {
  string: 'a string',
  bool: 'true or false',
  int32: 'a 32-bit integer',
  int64: 'a 64-bit integer',
  uint32: 'a 32-bit integer that is not negative',
  fixed32: 'a 32-bit integer that is not negative',
  fixed64: 'a 64-bit integer that is not negative',
  float: 'a number',
  double: 'a number',
  bytes: 'a base64 string',
};

/**
 * Checks a JSON value against a protobuf scalar. Only what every version of protobuf's Python JSON
 * parser takes for the same value passes: what it refuses would end its reading half way, in silence.
 *
 * @param value - as readJson gives it; integers too large for a number are bigints.
 * @param path - names the field in the refusal.
 * @returns the value; an integer sent as text becomes a number, or a bigint beyond 2^53.
 * @throws ApiError 400.
 */
export function readScalar(scalar: Scalar, value: unknown, path: string): string | boolean | number | bigint {
  switch (scalar) {
    case 'string':
      if (typeof value === 'string') {
        return value;
      }
      break;
    case 'bool':
      if (typeof value === 'boolean') {
        return value;
      }
      break;
    case 'bytes':
      if (typeof value === 'string' && isBase64(value)) {
        return value;
      }
      break;
    case 'float':
    case 'double':
      if (isFloat(scalar, value)) {
        return value;
      }
      break;
    default: {
      const integer = integerOf(value);
      if (integer !== undefined && isWithin(scalar, integer)) {
        return integer;
      }
    }
  }
  throw mismatch(scalar, path);
}

/**
 * Holds a query parameter, which is text, against its declared type.
 *
 * @throws ApiError 400.
 */
export function readScalarText(scalar: Scalar, text: string, path: string): void {
  if (scalar === 'string') {
    return;
  }
  // MLflow's client sends Python's True, and its server ignores the case.
  if (scalar === 'bool') {
    if (!/^(?:true|false)$/i.test(text)) {
      throw mismatch(scalar, path);
    }
  } else {
    readScalar(scalar, text, path);
  }
}

function integerOf(value: unknown): number | bigint | undefined {
  if (typeof value === 'bigint') {
    return value;
  }
  if (typeof value === 'number') {
    return Number.isInteger(value) ? value : undefined;
  }
  if (typeof value !== 'string' || !INTEGER.test(value)) {
    return undefined;
  }
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : BigInt(value);
}

function isWithin(scalar: Integer, value: number | bigint): boolean {
  const [least, most] = RANGES[scalar];
  return value >= least && value <= most;
}

function isFloat(scalar: 'float' | 'double', value: unknown): value is number | bigint | string {
  if (typeof value === 'string') {
    if (NON_FINITE.has(value)) {
      return true;
    }
    if (!FLOAT.test(value)) {
      return false;
    }
  } else if (typeof value !== 'number' && typeof value !== 'bigint') {
    return false;
  }
  const number = Math.abs(Number(value));
  if (scalar === 'float') {
    return number <= FLOAT_MAX;
  }
  // Text may overflow to infinity, a number must not.
  return typeof value === 'string' || number < Number.POSITIVE_INFINITY;
}

function isBase64(value: string): boolean {
  if (!BASE64.test(value)) {
    return false;
  }
  const digits = value.replace(/=+$/, '').length;
  if (digits % 4 === 1) {
    return false;
  }
  return value.length === digits || value.length % 4 === 0;
}

function mismatch(scalar: Scalar, path: string): ApiError {
  return invalid(`Invalid value for parameter '${path}': expected ${EXPECTED[scalar]}.`);
}
