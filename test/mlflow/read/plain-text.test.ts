/** Four bytes at a time are what one at a time would be, wherever a piece begins and whatever stands around it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  afterSpace,
  endOfDouble,
  endOfInteger,
  endOfString,
  isAtEnd,
  isSame,
  NOT_PLAIN,
} from '../../../src/mlflow/read/plain-text.ts';

const STRING = /"[\x20\x21\x23-\x5b\x5d-\x7f]*"/y;
const INTEGER = /-?(?:0|[1-9][0-9]*)/y;
const DOUBLE = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y;

function viewOf(text: string): DataView {
  const bytes = Buffer.from(text, 'latin1');
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Where a piece ends that an expression tells; NOT_PLAIN where there is none. */
function endBy(expression: RegExp, text: string, at: number): number {
  expression.lastIndex = at;
  return expression.test(text) ? expression.lastIndex : NOT_PLAIN;
}

/** What a function says of the piece at a position; that a text ends in the middle of it counts as not plain. */
function endOf(find: (view: DataView, at: number) => number, text: string, at: number): number {
  try {
    return find(viewOf(text), at);
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    return NOT_PLAIN;
  }
}

const EVERY_BYTE = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));

describe('a string', () => {
  test('ends at its quote, and has no other byte than it may, at each place of four', () => {
    for (const byte of EVERY_BYTE) {
      for (let before = 0; before < 9; before += 1) {
        for (const after of ['', 'x', 'xx', 'xxx', 'xxxx', 'xxxxx']) {
          for (const start of ['', ' ', '  ', '   ']) {
            const text = `${start}"${'a'.repeat(before)}${byte}${after}",`;
            const told = endOf(endOfString, text, start.length);
            expect([text, told]).toEqual([text, endBy(STRING, text, start.length)]);
          }
        }
      }
    }
  });

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])('of %d that has no end is not plain', (length) => {
    expect(endOf(endOfString, `"${'a'.repeat(length)}`, 0)).toBe(NOT_PLAIN);
    expect(endOf(endOfString, '', 0)).toBe(NOT_PLAIN);
  });
});

describe('a number', () => {
  const around = fc.tuple(
    fc.stringMatching(/^[ ,:]{0,4}$/),
    fc.stringMatching(/^(?:|[-+.0-9eE]{0,24})$/),
    fc.constantFrom(',', '}', ' ', '"', 'x', ':', '/', '\u00b0', '\u00b9', ', "step": 12'),
  );

  test('ends where RFC 8259 has it end', () => {
    fc.assert(
      fc.property(around, ([before, number, after]) => {
        const text = `${before}${number}${after}`;
        const at = before.length;
        const integer = endBy(INTEGER, text, at);
        const long = text.slice(at, integer).replace('-', '').length > 15;
        expect(endOf(endOfInteger, text, at)).toBe(long ? NOT_PLAIN : integer);
        const told = endOf(endOfDouble, text, at);
        const double = endBy(DOUBLE, text, at);
        // What is no number as a whole, as `1.` and `1e`, is not plain; what begins as one is for who reads on.
        const whole = text.slice(at, double);
        const rest = text.slice(double);
        const cut = /[eE]/.test(whole)
          ? false
          : /^[eE]/.test(rest) || (/^\./.test(rest) && !whole.includes('.'));
        const exponent = /[eE][-+]?([0-9]+)$/.exec(whole)?.[1] ?? '';
        expect(told).toBe(cut || exponent.length > 2 || whole.length > 40 ? NOT_PLAIN : double);
      }),
      { numRuns: 20_000, seed: 1 },
    );
  });

  test.each(EVERY_BYTE)('ends at %j unless that is a digit, at each place of four', (byte) => {
    for (let before = 1; before < 10; before += 1) {
      const text = `${'1'.repeat(before)}${byte},,,,`;
      expect(endOf(endOfInteger, text, 0)).toBe(endBy(INTEGER, text, 0));
    }
  });

  test('that the text ends with is not plain: nothing says that it is whole', () => {
    for (const text of ['1', '-', '12345', '0.5', '0.', '1e5', '1e', '']) {
      expect([text, endOf(endOfDouble, text, 0)]).toEqual([text, NOT_PLAIN]);
    }
  });

  test('has at most fifteen digits where it is an integer, two where it is an exponent', () => {
    expect(endOf(endOfInteger, `${'9'.repeat(15)},`, 0)).toBe(15);
    expect(endOf(endOfInteger, `-${'9'.repeat(15)},`, 0)).toBe(16);
    expect(endOf(endOfInteger, `${'9'.repeat(16)},`, 0)).toBe(NOT_PLAIN);
    expect(endOf(endOfDouble, '1e99,', 0)).toBe(4);
    expect(endOf(endOfDouble, '1e100,', 0)).toBe(NOT_PLAIN);
  });
});

test('texts are the same if every byte is, however long they are', () => {
  for (let length = 4; length < 40; length += 1) {
    const text = Array.from({ length }, (_, index) => String.fromCharCode(33 + index)).join('');
    expect(isSame(viewOf(`${text}|${text}`), length + 1, 0, length)).toBe(true);
    for (let at = 0; at < length; at += 1) {
      const other = `${text.slice(0, at)}\u00ff${text.slice(at + 1)}`;
      expect(isSame(viewOf(`${text}|${other}`), length + 1, 0, length)).toBe(false);
    }
    expect(isSame(viewOf(`${text}|${text.slice(1)}`), length + 1, 0, length)).toBe(false);
  }
});

test('blanks are those of RFC 8259', () => {
  expect(afterSpace(viewOf(' \t\r\n\v'), 0)).toBe(4);
  for (const byte of EVERY_BYTE) {
    expect([byte, isAtEnd(viewOf(`}${byte}`), 1)]).toEqual([byte, ' \t\r\n'.includes(byte)]);
  }
  expect(isAtEnd(viewOf('}'), 1)).toBe(true);
});
