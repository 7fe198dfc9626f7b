import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { formOf, hashOf, holdsToken, makeSecret, prefixOf } from '../../src/identity/token-secret.ts';

/** Made with Python: base 62 of the bytes 1, 2 … 32, and of zlib.crc32 of the text before it. */
const KNOWN = 'mlag_0Eoh211G4c8wtVWM00my5rsNSFlKgaWqQ4mb8gdEqno11QYbM';
const COUNTING = Buffer.from(Array.from({ length: 32 }, (_, index) => index + 1));

test('a secret is a prefix, 256 random bits and a checksum, in base 62', () => {
  expect(makeSecret(() => COUNTING)).toMatch(/^mlag_[0-9A-Za-z]{49}$/);
  expect(makeSecret(() => COUNTING)).toBe(KNOWN);
  expect(makeSecret(() => Buffer.alloc(32))).toMatch(/^mlag_0{43}[0-9A-Za-z]{6}$/);
  expect(makeSecret(() => Buffer.alloc(32, 0xff))).toMatch(/^mlag_[0-9A-Za-z]{49}$/);
  const many = new Set(Array.from({ length: 1000 }, () => makeSecret(randomBytes)));
  expect(many.size).toBe(1000);
  expect([...many].every((secret) => formOf(secret) === 'token')).toBe(true);
});

describe('a typo is told without a look-up', () => {
  test('wherever one character is another', () => {
    for (let index = 'mlag_'.length; index < KNOWN.length; index += 1) {
      const other = KNOWN[index] === 'x' ? 'y' : 'x';
      expect(formOf(KNOWN.slice(0, index) + other + KNOWN.slice(index + 1)), String(index)).toBe('mistyped');
    }
  });

  test.each([
    ['a character missing at the end', KNOWN.slice(0, -1)],
    ['one too many', `${KNOWN}0`],
    ['quotes around it', `"${KNOWN}"`],
    ['a word before it', `Bearer ${KNOWN}`],
    ['two characters exchanged', KNOWN.replace('Eo', 'oE')],
  ])('%s', (_what, text) => {
    expect(formOf(text)).toBe('mistyped');
    expect(holdsToken(text)).toBe(true);
  });
});

test.each(['', 'mlag_', 'mlag_is a fine password', 'a password', KNOWN.replace('mlag_', 'mlfg_')])(
  'is not %j',
  (text) => {
    expect(formOf(text)).toBe('other');
    expect(holdsToken(text)).toBe(false);
  },
);

test('what is kept of it tells nothing of it but how it begins', () => {
  expect(hashOf(KNOWN)).toHaveLength(43);
  expect(hashOf(KNOWN)).not.toContain(KNOWN.slice(5, 10));
  expect(prefixOf(KNOWN)).toBe('mlag_0Eoh');
});
