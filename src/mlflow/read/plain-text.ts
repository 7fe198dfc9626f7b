/**
 * The pieces of JSON (RFC 8259) that are plain beyond doubt, looked at four and eight bytes at a time: a large batch has a
 * thousand items of a dozen pieces. A DataView throws a RangeError for what would stand behind its end: none of this asks
 * where that is.
 */

/** Answered in place of a position. */
export const NOT_PLAIN = -1;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;

/** Digits of an integer that a double holds exactly, whatever they are. */
const EXACT_DIGITS = 15;
/** Characters of a number, and digits of its exponent, that cannot overflow a double. */
const LONGEST_NUMBER = 40;
const EXPONENT_DIGITS = 2;

// Of four bytes, the first in the lowest bits. To each is done what would be done to it alone, as long as nothing is carried
// or borrowed from one to the next; where it is, the one before is marked, and what counts is the first that is marked.
const EACH = 0x01010101;
const MARKS = 0x80808080 | 0;
const FOUR_BLANKS = 0x20 * EACH;
const FOUR_QUOTES = QUOTE * EACH;
const FOUR_BACKSLASHES = BACKSLASH * EACH;
const FOUR_ZEROS = ZERO * EACH;
/** Carries whatever is more than nine into the mark. */
const MORE_THAN_NINE = (0x80 - 10) * EACH;

/** What stands between two positions, of ASCII. */
export function textOf({ buffer, byteOffset }: DataView, start: number, end: number): string {
  return Buffer.from(buffer, byteOffset + start, end - start).toString('latin1');
}

/** Which of four bytes is the first that is marked. */
function firstMarked(marks: number): number {
  return (31 - Math.clz32(marks & -marks)) >> 3;
}

/** Marks the bytes that end a string, or have no place in a plain one: quote, backslash, below a blank, beyond ASCII. */
function marksOfString(four: number): number {
  const quote = (four ^ FOUR_QUOTES) - EACH;
  const backslash = (four ^ FOUR_BACKSLASHES) - EACH;
  return (quote | backslash | (four - FOUR_BLANKS) | four) & MARKS;
}

/** Behind the quote that closes a string of ASCII without escapes and control characters. */
export function endOfString(view: DataView, at: number): number {
  if (view.getUint8(at) !== QUOTE) {
    return NOT_PLAIN;
  }
  const last = view.byteLength - 4;
  let next = at + 1;
  for (; next <= last; next += 4) {
    const marks = marksOfString(view.getInt32(next, true));
    if (marks !== 0) {
      const end = next + firstMarked(marks);
      return view.getUint8(end) === QUOTE ? end + 1 : NOT_PLAIN;
    }
  }
  return endOfStringNearEnd(view, next);
}

function endOfStringNearEnd(view: DataView, at: number): number {
  let next = at;
  while (isOfString(view.getUint8(next))) {
    next += 1;
  }
  return view.getUint8(next) === QUOTE ? next + 1 : NOT_PLAIN;
}

function isOfString(code: number): boolean {
  return code >= 0x20 && code < 0x80 && code !== QUOTE && code !== BACKSLASH;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

/** Behind the digits from `at` on; `at` itself if there are none. */
function afterDigits(view: DataView, at: number): number {
  const last = view.byteLength - 4;
  let next = at;
  for (; next <= last; next += 4) {
    const four = view.getInt32(next, true) ^ FOUR_ZEROS;
    const marks = ((four + MORE_THAN_NINE) | four) & MARKS;
    if (marks !== 0) {
      return next + firstMarked(marks);
    }
  }
  return afterDigitsNearEnd(view, next);
}

function afterDigitsNearEnd(view: DataView, at: number): number {
  let next = at;
  while (isDigit(view.getUint8(next))) {
    next += 1;
  }
  return next;
}

/** Behind an integer that no reader rounds. */
export function endOfInteger(view: DataView, at: number): number {
  const start = afterMinus(view, at);
  const end = afterWhole(view, start);
  return end - start <= EXACT_DIGITS ? end : NOT_PLAIN;
}

/** Behind a number that no reader takes for infinite. */
export function endOfDouble(view: DataView, at: number): number {
  let end = afterWhole(view, afterMinus(view, at));
  if (end !== NOT_PLAIN && view.getUint8(end) === DOT) {
    const fraction = end + 1;
    end = afterDigits(view, fraction);
    if (end === fraction) {
      return NOT_PLAIN;
    }
  }
  if (end !== NOT_PLAIN && (view.getUint8(end) | 0x20) === 0x65) {
    end = endOfExponent(view, end + 1);
  }
  return end - at <= LONGEST_NUMBER ? end : NOT_PLAIN;
}

function afterMinus(view: DataView, at: number): number {
  return view.getUint8(at) === MINUS ? at + 1 : at;
}

/** Behind the digits before a fraction. A zero that stands first is all of them, and no digit may follow it. */
function afterWhole(view: DataView, at: number): number {
  if (view.getUint8(at) === ZERO) {
    return at + 1;
  }
  const end = afterDigits(view, at);
  return end === at ? NOT_PLAIN : end;
}

function endOfExponent(view: DataView, at: number): number {
  const sign = view.getUint8(at);
  const start = sign === MINUS || sign === PLUS ? at + 1 : at;
  const end = afterDigits(view, start);
  return end === start || end - start > EXPONENT_DIGITS ? NOT_PLAIN : end;
}

/**
 * Whether the bytes from one position on are those from another on, which are there.
 *
 * @param length - four at least.
 */
export function isSame(view: DataView, one: number, other: number, length: number): boolean {
  if (one + length > view.byteLength) {
    return false;
  }
  // The last eight, or four, may have been looked at before in part.
  if (length < 8) {
    return sameFour(view, one, other) && sameFour(view, one + length - 4, other + length - 4);
  }
  for (let index = 0; index < length - 8; index += 8) {
    if (!sameEight(view, one + index, other + index)) {
      return false;
    }
  }
  return sameEight(view, one + length - 8, other + length - 8);
}

function sameFour(view: DataView, one: number, other: number): boolean {
  return view.getInt32(one, true) === view.getInt32(other, true);
}

function sameEight(view: DataView, one: number, other: number): boolean {
  return view.getBigInt64(one, true) === view.getBigInt64(other, true);
}

/** The position of what follows blanks, tabs and line ends (RFC 8259, section 2). */
export function afterSpace(view: DataView, at: number): number {
  let next = at;
  while (isSpace(view.getUint8(next))) {
    next += 1;
  }
  return next;
}

/** Whether nothing else follows. */
export function isAtEnd(view: DataView, at: number): boolean {
  let next = at;
  while (next < view.byteLength && isSpace(view.getUint8(next))) {
    next += 1;
  }
  return next === view.byteLength;
}

function isSpace(code: number): boolean {
  return code <= 0x20 && (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09);
}
