/**
 * CVE-2026-2734, CVE-2026-3198, GHSA-9pch-m9gq-c25q: a list shows what its reader may read and nothing
 * else, in every row that answers with one; a list of ids in a request is cut down to what the caller may read.
 */
import { describe, expect, test } from 'vitest';
import { type Operation, operationsOf } from '../../src/mlflow/table/match.ts';
import type { From } from '../../src/mlflow/table/row.ts';
import { noneOf } from '../../src/mlflow/things/identifiers.ts';
import { ROUTES } from '../../src/routes.ts';
import { FOREIGN, OURS, type Role } from '../support/everybody.ts';
import { type SampleRequest, sampleRequests } from '../support/sample-request.ts';
import { useEverybody } from '../support/use-gateway.ts';

const everybody = useEverybody();

/** Rows whose judge says what is shown have tests of their own, beside the judge's. */
const isJudged = ({ rules }: Operation) => rules.some(({ rule }) => rule === 'special');

const lists = operationsOf(ROUTES).flatMap((operation) => {
  const keep = operation.rules.find((rule) => rule.rule === 'keep');
  // What lies below a path is told from the rest in ids-given-out-again.test.ts.
  return keep === undefined || keep.below !== undefined || isJudged(operation)
    ? []
    : [{ name: operation.name, operation, keep }];
});

/** The columns that name a row: one, or two. A skill of no organization has a name alone. */
const columnsOf = (id: string) => (id.startsWith('@') ? ['name'] : id.split('/'));

/** A row of a reply with what its columns name. */
const rowOf = ({ id }: { readonly id: string }, named: string) => {
  const columns = columnsOf(id);
  return Object.fromEntries(
    columns.map((column, index) => [column, columns.length === 1 ? named : named.split('/')[index]]),
  );
};

describe('a reply', () => {
  test('is filtered in some rows', () => {
    expect(lists.length).toBeGreaterThan(8);
  });

  test.each(lists)('of $name', async ({ operation, keep }) => {
    const { list, id, kind } = keep;
    const [ours, foreign] = [OURS[kind], FOREIGN[kind]];
    const columns = columnsOf(id);
    // A row may be kept by several things that it names: all of them are ours, or none.
    const keeps = operation.rules.filter((rule) => rule.rule === 'keep');
    const row = (ids: typeof OURS) => Object.assign({}, ...keeps.map((each) => rowOf(each, ids[each.kind])));
    const reply = { [list]: [row(OURS), row(FOREIGN), { ...row(OURS), other: 'row' }] };
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

describe('a reply with hidden rows is, byte for byte, what it were without them', () => {
  test.each(lists)('of $name', async ({ operation, keep }) => {
    const { list, kind } = keep;
    const [ours, foreign] = [rowOf(keep, OURS[kind]), rowOf(keep, FOREIGN[kind])];
    const role: Role = keep.action === 'use' ? 'USE' : 'READ';
    const next_page_token = Buffer.from('{"offset": 1}').toString('base64');
    for (const [request, shown, hidden] of sampleRequests(operation, OURS).flatMap(
      (each) =>
        [
          [each, [], [foreign]],
          [each, [ours], [ours, foreign]],
        ] as const,
    )) {
      const none = keep.listed ? { [list]: [] } : {};
      const without = shown.length === 0 ? none : { [list]: shown };
      // The upstream answers each of its pages so: one that does not end leads a search on.
      const more = keep.paging === undefined ? {} : { next_page_token };
      const expected = await everybody.send(role, request, { reply: without });
      const got = await everybody.send(role, request, { reply: { [list]: hidden } });
      expect(got.text).toBe(expected.text);
      if (shown.length === 0) {
        const page = await everybody.send(role, request, { reply: { [list]: hidden, ...more } });
        expect(page.text).not.toContain(next_page_token);
      }
    }
  });
});

/** Rows that are asked about several things by their ids, and where. */
const manyIds = operationsOf(ROUTES).flatMap((operation) =>
  operation.need === 'nobody' || operation.need === 'admin'
    ? []
    : operation.locators.flatMap(({ from }) =>
        from
          .filter((place) => place.includes('[]') && !/[/{]/.test(place))
          .map((place) => ({ name: operation.name, operation, from: place })),
      ),
);

/** A request that names an empty id in the list of a place, behind what it names there. */
function withEmptyId(request: SampleRequest, from: From): SampleRequest {
  const [where = '', ...steps] = from.split('.');
  if (where === 'query') {
    return { ...request, target: `${request.target}&${steps.join('').replace('[]', '')}=` };
  }
  const body = JSON.parse(request.body ?? '{}');
  addEmpty(body, steps);
  return { ...request, body: JSON.stringify(body) };
}

function addEmpty(holder: Record<string, unknown>, [step = '', ...rest]: readonly string[]): void {
  const name = step.replace('[]', '');
  const list = (holder[name] ?? []) as unknown[];
  const last = rest.reduceRight<unknown>((value, key) => ({ [key]: value }), '');
  holder[name] = [...list, last];
}

describe('an empty id beside others', () => {
  test('can be sent to some rows', () => {
    expect(manyIds.length).toBeGreaterThan(15);
  });

  test.each(manyIds)('is refused by $name in $from', async ({ operation, from }) => {
    for (const request of sampleRequests(operation, OURS)) {
      const sent = withEmptyId(request, from);
      const { status, arrived } = await everybody.send('MANAGE', sent);
      expect.soft({ target: sent.target, body: sent.body, status, arrived }).toMatchObject({
        status: 400,
        arrived: undefined,
      });
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
      const [where, name = ''] = narrow.from.split('.');
      const both = [FOREIGN[narrow.kind], OURS[narrow.kind]];
      for (const request of sampleRequests(operation, OURS)) {
        const sent: SampleRequest =
          where === 'query'
            ? {
                ...request,
                target: `${request.target.split('?')[0]}?${both.map((id) => `${name}=${id}`).join('&')}`,
              }
            : { ...request, body: JSON.stringify({ [name]: both }) };
        const idsFor = async (role: Role) => {
          const { arrived, asked } = await everybody.send(role, sent);
          return where === 'query'
            ? new URL(asked ?? '', 'http://x').searchParams.getAll(name)
            : JSON.parse(arrived ?? '{}')[name];
        };
        expect(await idsFor('READ')).toEqual([OURS[narrow.kind]]);
        expect(await idsFor('admin')).toEqual(both);
        expect(await idsFor('no grant')).toEqual([noneOf(narrow.kind)]);
      }
    },
  );
});
