/**
 * CVE-2026-2734, CVE-2026-3198, GHSA-9pch-m9gq-c25q: a list shows what its reader may read and nothing
 * else, in every row that answers with one; a list of ids in a request is cut down to what the caller may read.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { operationsOf } from '../../src/mlflow/table/match.ts';
import { ROUTES } from '../../src/routes.ts';
import { type Everybody, FOREIGN, OURS, type Role, startEverybody } from '../support/everybody.ts';
import { sampleRequests } from '../support/sample-request.ts';

let everybody: Everybody;

beforeAll(async () => {
  everybody = await startEverybody();
});
afterAll(() => everybody.close());

const lists = operationsOf(ROUTES).flatMap((operation) => {
  const keep = operation.rules.find((rule) => rule.rule === 'keep');
  return keep === undefined ? [] : [{ name: operation.name, operation, keep }];
});

describe('a reply', () => {
  test('is filtered in some rows', () => {
    expect(lists.length).toBeGreaterThan(8);
  });

  test.each(lists)('of $name', async ({ operation, keep }) => {
    const { list, id, kind } = keep;
    const [ours, foreign] = [OURS[kind], FOREIGN[kind]];
    // A row may be named by two columns.
    const columns = id.split('/');
    const row = (named: string) =>
      Object.fromEntries(
        columns.map((column, index) => [column, columns.length === 1 ? named : named.split('/')[index]]),
      );
    const reply = { [list]: [row(ours), row(foreign), { ...row(ours), other: 'row' }] };
    // Where the caller's request names a root, it names ours: the reply is not to be trusted more than that.
    const hasRoot =
      operation.locators.some(({ optional }) => !optional) ||
      operation.rules.some(({ rule }) => rule === 'narrow');
    const expected: readonly (readonly [Role, readonly string[]])[] = [
      keep.action === 'use' ? ['READ', []] : ['READ', [ours, ours]],
      ['MANAGE', [ours, ours]],
      ['admin', [ours, foreign, ours]],
      ...(hasRoot || operation.locators.length > 0
        ? []
        : ([
            ['no grant', []],
            ['stranger', [foreign]],
          ] as const)),
    ];
    for (const request of sampleRequests(operation, OURS)) {
      for (const [role, ids] of expected) {
        const { status, json } = await everybody.send(role, request, { reply });
        const shown = (json?.[list] ?? []).map((row: Record<string, unknown>) =>
          columns.map((column) => row[column]).join('/'),
        );
        expect.soft({ role, target: request.target, status, shown }).toEqual({
          role,
          target: request.target,
          status: 200,
          shown: ids,
        });
      }
    }
  });
});

const narrowed = operationsOf(ROUTES).flatMap((operation) => {
  const narrow = operation.rules.find((rule) => rule.rule === 'narrow');
  return narrow === undefined ? [] : [{ name: operation.name, operation, narrow }];
});

describe('a list of ids in a request', () => {
  test.each(narrowed)(
    'of $name reaches the upstream without what the caller may not read',
    async ({ operation, narrow }) => {
      const listName = narrow.from.slice('body.'.length);
      const both = { [listName]: [FOREIGN.experiment, OURS.experiment] };
      for (const request of sampleRequests(operation, OURS)) {
        const sent = { ...request, body: JSON.stringify(both) };
        const forReader = await everybody.send('READ', sent);
        expect(JSON.parse(forReader.arrived ?? '{}')).toEqual({ [listName]: [OURS.experiment] });
        expect((await everybody.send('admin', sent)).arrived).toBe(sent.body);
        expect((await everybody.send('no grant', sent)).arrived).toBeUndefined();
      }
    },
  );
});
