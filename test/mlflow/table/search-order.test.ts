import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  comparatorOf,
  EXPERIMENT_ORDER,
  MODEL_ORDER,
  VERSION_ORDER,
} from '../../../src/mlflow/table/search-order.ts';

type Row = Record<string, unknown>;

const sorted = (rows: readonly Row[], compare: ((a: Row, b: Row) => number) | undefined) => {
  if (compare === undefined) {
    throw new Error('no comparator');
  }
  return rows.toSorted(compare);
};

describe('the order of a search', () => {
  test('is newest first for experiments, and equals by their ids as numbers', () => {
    const rows = [
      { experiment_id: '10', creation_time: 5 },
      { experiment_id: '9', creation_time: 5 },
      { experiment_id: '900000000000000001', creation_time: 7 },
      { experiment_id: '900000000000000000', creation_time: 7 },
      { experiment_id: '1' },
    ];
    expect(sorted(rows, comparatorOf(EXPERIMENT_ORDER, [])).map((row) => row['experiment_id'])).toEqual([
      '900000000000000000',
      '900000000000000001',
      '9',
      '10',
      '1',
    ]);
  });

  test('is by name for models, as bytes: capitals first, beyond the first plane last', () => {
    const names = ['b', 'a', 'B', '\u{1F600}', '\uFFFD', 'é'];
    const rows = names.map((name) => ({ name }));
    expect(sorted(rows, comparatorOf(MODEL_ORDER, [])).map(({ name }) => name)).toEqual([
      'B',
      'a',
      'b',
      'é',
      '\uFFFD',
      '\u{1F600}',
    ]);
  });

  test('is of the latest change for versions, then by name, then of the latest version', () => {
    const row = (name: string, version: string, last_updated_timestamp: number) => ({
      name,
      version,
      last_updated_timestamp,
    });
    const rows = [row('a', '9', 1), row('b', '1', 2), row('a', '10', 1), row('a', '2', 2)];
    expect(sorted(rows, comparatorOf(VERSION_ORDER, []))).toEqual([
      row('a', '2', 2),
      row('b', '1', 2),
      row('a', '10', 1),
      row('a', '9', 1),
    ]);
  });

  test('follows order_by, upwards unless it says otherwise', () => {
    const rows = [
      { name: 'a', last_updated_timestamp: 1 },
      { name: 'b', last_updated_timestamp: 2 },
    ];
    const first = (...order: string[]) => sorted(rows, comparatorOf(MODEL_ORDER, order))[0]?.['name'];
    expect([first('timestamp'), first('timestamp desc'), first('name DESC'), first(' name  asc ')]).toEqual([
      'a',
      'b',
      'b',
      'a',
    ]);
  });

  test.each([
    'tags.a',
    'attribute.name',
    '`name`',
    'name DESC, creation_time',
    'name descending',
    'NAME',
    'toString',
    '',
    7,
    null,
  ])('is left to the upstream for %j', (clause) => {
    expect(comparatorOf(EXPERIMENT_ORDER, [clause])).toBeUndefined();
  });

  test('does not depend on the order in which rows were found', () => {
    const row = fc.record({
      name: fc.constantFrom('a', 'b'),
      version: fc.constantFrom('1', '2', '10'),
      last_updated_timestamp: fc.constantFrom(1, 2, undefined),
    });
    const rows = fc.uniqueArray(row, { selector: ({ name, version }) => `${name} ${version}` });
    fc.assert(
      fc.property(rows, (found) => {
        const compare = comparatorOf(VERSION_ORDER, []);
        expect(sorted(found.toReversed(), compare)).toEqual(sorted(found, compare));
      }),
    );
  });
});
