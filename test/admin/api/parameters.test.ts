import { describe, expect, test } from 'vitest';
import { integer } from '../../../src/admin/api/parameters.ts';

describe('a number', () => {
  test.each([
    [7, 7],
    ['7', 7],
    ['-7', -7],
  ])('%j is read', (value, read) => {
    expect(integer('role_id', value)).toBe(read);
  });

  test.each([
    ['x', "'x'"],
    ['', "''"],
    ['7.0', "'7.0'"],
    [7.5, '7.5'],
    [2 ** 60, '1152921504606847000'],
    [true, 'True'],
    [[7], '[7]'],
    [2n ** 53n + 1n, '9007199254740993'],
    [[{ a: 2n ** 53n + 1n }], '[{"a":9007199254740993}]'],
  ])('$0 is refused in MLflow’s words', (value, shown) => {
    expect(() => integer('role_id', value)).toThrow(`Parameter 'role_id' must be an integer. Got: ${shown}`);
  });
});
