import { expect, test } from 'vitest';
import { renderTable } from '../../../src/cli/client/render-table.ts';

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
