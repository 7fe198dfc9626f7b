import { expect, test } from 'vitest';
import { printable, renderTable } from '../../../src/cli/client/render-table.ts';

test('columns are as wide as their widest cell and nothing trails', () => {
  const rows = [
    { id: 1, name: 'a', admin: true, note: null },
    { id: 10, name: 'größer', admin: false, note: '' },
  ];
  expect(
    renderTable(
      [
        ['ID', 'id'],
        ['NAME', 'name'],
        ['ADMIN', 'admin'],
        ['NOTE', 'note'],
        ['MORE', 'absent'],
      ],
      rows,
    ),
  ).toBe('ID  NAME    ADMIN  NOTE  MORE\n1   a       yes\n10  größer  no\n');
});

test.each([
  ['\u001b[2J', '\\x1b[2J'],
  ['a\nb', 'a\\x0ab'],
  ['\u009b31m', '\\x9b31m'],
  ['admin\u202e', 'admin\\x202e'],
  ['größer 名前', 'größer 名前'],
])('%j cannot steer a terminal', (text, shown) => {
  expect(printable(text)).toBe(shown);
});
