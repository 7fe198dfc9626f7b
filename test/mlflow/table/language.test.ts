/** What the language of the table can say, some row says: a word that none uses is one that was forgotten there. */
import { expect, test } from 'vitest';
import { createSpecials, type SpecialParts } from '../../../src/gateway/judges/index.ts';
import { operationsOf } from '../../../src/mlflow/table/match.ts';
import { PHASES } from '../../../src/mlflow/table/phases.ts';
import { type AnyRow, CHILD_KINDS, TRACKED_KINDS, UNTRACKED_KINDS } from '../../../src/mlflow/table/row.ts';
import { ROOT_KINDS } from '../../../src/policy/resources.ts';
import { SECTIONS } from '../../../src/routes.ts';

const rows: readonly AnyRow[] = Object.values(SECTIONS).flat();
const operations = operationsOf(rows);
const rules = operations.flatMap((operation) => operation.rules);
const touched = new Set<string>([
  ...operations.flatMap(({ locators }) => locators.map(({ kind }) => kind)),
  ...rules.flatMap((rule) => ('kind' in rule ? [rule.kind] : [])),
]);

test.each(Object.keys(PHASES))('the rule %s stands in a row', (name) => {
  expect(rules.map(({ rule }) => rule)).toContain(name);
});

// Only their names are looked at: nothing is asked of the parts.
test.each(Object.keys(createSpecials({} as SpecialParts)))('the judge %s is asked by a row', (name) => {
  expect(rules.flatMap((rule) => (rule.rule === 'special' ? [rule.name] : []))).toContain(name);
});

test.each([...ROOT_KINDS.filter((kind) => kind !== 'prompt'), ...CHILD_KINDS])(
  'a %s is touched by a row',
  (kind) => {
    expect(touched).toContain(kind);
  },
);

// An experiment keeps its grants when it is deleted: it can be restored.
test.each(TRACKED_KINDS)('a %s is its creator’s', (kind) => {
  expect(rules.flatMap((rule) => (rule.rule === 'adopt' ? [rule.kind] : []))).toContain(kind);
});
test.each(TRACKED_KINDS.filter((kind) => kind !== 'experiment'))('the grants on a %s go with it', (kind) => {
  expect(rules.flatMap((rule) => (rule.rule === 'forget' ? [rule.kind] : []))).toContain(kind);
});
test.each(Object.entries(UNTRACKED_KINDS))('no row makes a %s, which %s', (kind) => {
  expect(rules.flatMap((rule) => (rule.rule === 'adopt' ? [rule.kind] : []))).not.toContain(kind);
});
