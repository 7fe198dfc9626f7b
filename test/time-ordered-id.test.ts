import { validate, version } from 'uuid';
import { expect, test } from 'vitest';
import { firstIdOf } from '../src/store/audit/index.ts';
import { timeOrderedId } from '../src/time-ordered-id.ts';

test('ids of one moment are in the order in which they were made, between those of others', () => {
  const at = Date.UTC(2026, 10, 29);
  const ids = Array.from({ length: 1000 }, () => timeOrderedId(at));
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(1000);
  expect(ids.every((id) => id > firstIdOf(at) && id < firstIdOf(at + 1))).toBe(true);
  expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true);
});
