import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { differences, factsOf, fold, print, unfold } from '../../../scripts/lib/mlflow-facts.mjs';
import table from '../../../src/mlflow/read/fields.generated.json' with { type: 'json' };
import { NEWEST, OLDEST, pythonOf, STARTED } from '../../support/mlflow.ts';

/** What scripts/dump_routes.py says of an installed version. */
function dump(version: string) {
  const directory = mkdtempSync(join(tmpdir(), 'fields-'));
  try {
    const file = join(directory, 'dump.json');
    execFileSync(pythonOf(version), ['scripts/dump_routes.py', file], { stdio: 'pipe', timeout: 60_000 });
    return JSON.parse(readFileSync(file, 'utf8'));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test.each([NEWEST, STARTED, OLDEST])(
  'MLflow %s is what the generated table says it is',
  { timeout: 90_000 },
  (version) => {
    expect(differences(unfold(table, version), factsOf(dump(version)))).toEqual([]);
  },
);

describe('the generated table', () => {
  test('is as scripts/add-mlflow.mjs writes it', () => {
    const again = fold(table.versions.map((version) => unfold(table, version)));
    expect(readFileSync('src/mlflow/read/fields.generated.json', 'utf8')).toBe(print(again));
  });

  test('stays small', () => {
    expect(print(table).length).toBeLessThan(200_000);
  });
});

describe('a version that is added', () => {
  const facts = (version: string, fields: Record<string, string>) => ({
    version,
    operations: { 'POST 2.0 runs/make': 'Make' },
    queries: {},
    messages: { Make: fields },
    enums: {},
  });
  const versions = [
    facts('2.9.0', { a: 'string', b: '*int64' }),
    facts('2.10.0', { a: 'string', c: 'Make @one' }),
    facts('3.0.0', { a: 'string', b: '*int64', c: 'Make @one' }),
  ];

  test('leaves all others as they were, in whatever order they came', () => {
    const folded = fold(versions.toReversed());
    expect(folded.versions).toEqual(['2.9.0', '2.10.0', '3.0.0']);
    expect(folded.messages).toEqual({
      Make: { a: 'string', b: '*int64 [2.9.0,3.0.0-]', c: 'Make @one [2.10.0-]' },
    });
    expect(folded.versions.map((version) => unfold(folded, version))).toEqual(versions);
  });

  test('shows what is new, gone or changed', () => {
    const [first, second] = versions;
    expect(differences(first, second)).toEqual(['- field Make.b *int64', '+ field Make.c Make @one']);
    expect(differences(first, facts('3.1.0', { a: 'bool', b: '*int64' }))).toEqual([
      '! field Make.a: string → bool',
    ]);
  });

  test('is refused if a field means something else in it', () => {
    expect(() => fold([...versions, facts('3.1.0', { a: 'bool' })])).toThrow('a was string and is bool');
  });
});
