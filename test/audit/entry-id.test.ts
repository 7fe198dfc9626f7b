import { expect, test } from 'vitest';
import { entryId } from '../../src/audit/entry-id.ts';
import { firstIdOf } from '../../src/store/audit.ts';

test('ids of one moment are in the order in which they were made, between those of others', () => {
  const at = Date.UTC(2026, 10, 29);
  const ids = Array.from({ length: 1000 }, () => entryId(at));
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(1000);
  expect(ids.every((id) => id > firstIdOf(at) && id < firstIdOf(at + 1))).toBe(true);
});
