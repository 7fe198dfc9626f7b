import { expect, test } from 'vitest';
import { printable } from '../../src/cli/printable.ts';

test.each([
  ['\u001b[2J', '\\x1b[2J'],
  ['a\nb', 'a\\x0ab'],
  ['\u009b31m', '\\x9b31m'],
  ['admin\u202e', 'admin\\x202e'],
  ['größer 名前', 'größer 名前'],
])('%j cannot steer a terminal', (text, shown) => {
  expect(printable(text)).toBe(shown);
});
