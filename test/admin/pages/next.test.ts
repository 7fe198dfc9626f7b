import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkedNext } from '../../../src/admin/pages/next.ts';

const GATEWAY = 'https://mlflow.example.com/auth/sign-in?next=x';

test.each([
  ['/', '/'],
  ['/a/b?c=d&e=f', '/a/b?c=d&e=f'],
  ['/ä b', '/%C3%A4%20b'],
  ['/a/../b', '/b'],
  ['/auth/share/experiment/7', '/auth/share/experiment/7'],
  ['/?next=//evil.example', '/?next=//evil.example'],
])('%s leads to %s', (next, to) => {
  expect(checkedNext(next, '')).toBe(to);
  expect(checkedNext(`/mlflow${next}`, '/mlflow')).toBe(`/mlflow${to}`);
});

test.each([
  [undefined],
  [7],
  [['/a']],
  [''],
  ['a'],
  ['//evil.example'],
  ['///evil.example'],
  ['/\\evil.example'],
  ['\\\\evil.example'],
  ['/\t/evil.example'],
  ['/\n/evil.example'],
  ['\t//evil.example'],
  [' //evil.example'],
  ['/%09/../..//evil.example'],
  ['/a/..//evil.example'],
  ['/.//evil.example'],
  ['/./\\evil.example'],
  ['https://evil.example/'],
  ['https:evil.example'],
  ['javascript:alert(1)'],
  ['//user:password@evil.example'],
  ['@evil.example'],
  ['http://gateway.invalid/'],
  ['//gateway.invalid/'],
  ['/auth/sign-in?next=/'],
  ['/auth/sign-out'],
])('%j leads home', (next) => {
  expect(checkedNext(next, '')).toBe('/');
});

test.each([
  ['/'],
  ['/other'],
  ['/mlflow'],
  ['/mlflowing/'],
  ['/mlflow/../other'],
  ['/mlflow/%2e%2e/x'],
  ['/mlflow/..%5c'],
])('%s does not lead out of the prefix', (next) => {
  expect(checkedNext(next, '/mlflow')).toMatch(/^\/mlflow\//);
  expect(URL.parse(checkedNext(next, '/mlflow'), GATEWAY)?.pathname).toMatch(/^\/mlflow\//);
});

describe('whatever is written', () => {
  const piece = fc.constantFrom(
    '/',
    '\\',
    '.',
    '..',
    '%2f',
    '%5c',
    '%09',
    '\t',
    '\r',
    '\n',
    '@',
    ':',
    'evil.example',
    '?',
    '#',
    ' ',
    'a',
    '\u00ad',
    '／',
    '。',
  );
  const written = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));

  test('it leads to this gateway, below its prefix', () => {
    fc.assert(
      fc.property(written, fc.constantFrom('', '/mlflow'), (next, prefix) => {
        const to = checkedNext(`${prefix}/${next}`, prefix);
        const read = URL.parse(to, GATEWAY);
        expect(read?.origin).toBe('https://mlflow.example.com');
        expect(read?.pathname.startsWith(`${prefix}/`)).toBe(true);
        expect(to).toMatch(/^[!-~]+$/);
      }),
      { numRuns: 2000 },
    );
  });
});
