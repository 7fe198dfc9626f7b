import { expect, test } from 'vitest';
import { explain } from '../../src/cli/explain.ts';

test('a file that may not be opened is not told as a port that may not be had', () => {
  const message = "EACCES: permission denied, open '/srv/gateway.db'";
  expect(explain(Object.assign(new Error(message), { code: 'EACCES', syscall: 'open' }))).toBe(message);
});
