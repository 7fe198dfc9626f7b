import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { type AuditEntry, type AuditFilter, firstIdOf, SEGMENT_SIZE } from '../../src/store/audit/index.ts';
import type { Store } from '../../src/store/index.ts';
import { entry } from './audit-entry.ts';
import { ENGINES } from './engines.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const LATEST = 3 * HOUR;
/** As the gateway names a request, in the first hour. */
const OWN_REQUEST = `${firstIdOf(3_590_000)}-7abc-8abc-00000000abcd`;
const anyEntry = fc.record({
  at: fc.integer({ min: 0, max: LATEST - 1 }),
  username: fc.constantFrom('alice', 'bob', null),
  action: fc.constantFrom('delete', 'create'),
  allowed: fc.boolean(),
  requestId: fc.constantFrom('r', OWN_REQUEST, null),
  resources: fc.array(
    fc.record({ type: fc.constantFrom('experiment', 'run'), id: fc.constantFrom('7', '8', '7:8') }),
    { maxLength: 3 },
  ),
  credential: fc.constantFrom(
    { kind: 'password', id: null },
    { kind: 'token', id: 'a' },
    { kind: 'token', id: 'b' },
    null,
  ),
  ip: fc.constantFrom('192.0.2.7', null),
  method: fc.constantFrom('POST', 'DELETE'),
  path: fc.constantFrom('/api/2.0/mlflow/runs/delete', '/a\u2028b\nc'),
  operation: fc.constantFrom('POST 2.0 runs/delete', null),
  enforced: fc.boolean(),
  because: fc.constantFrom('user holds MANAGE', 'admin'),
  status: fc.constantFrom(200, 403, null),
  durationMs: fc.constantFrom(12, 13, null),
  change: fc.constantFrom(null, null, null, { before: null, after: { permission: 'READ' } }),
});
const anyFilter: fc.Arbitrary<AuditFilter> = fc.record(
  {
    username: fc.constantFrom('alice', 'bob'),
    action: fc.constantFrom('delete', 'create'),
    allowed: fc.boolean(),
    requestId: fc.constantFrom('r', OWN_REQUEST),
    resourceType: fc.constantFrom('experiment', 'run'),
    resourceId: fc.constantFrom('7', '8'),
    since: fc.integer({ min: 0, max: LATEST }),
    until: fc.integer({ min: 0, max: LATEST }),
  },
  { requiredKeys: [] },
);

/** What a search is to find, entry by entry. */
function isMeant(each: AuditEntry, filter: AuditFilter): boolean {
  const { username, action, allowed, requestId, resourceType, resourceId, since, until } = filter;
  return (
    (username === undefined || each.username === username) &&
    (action === undefined || each.action === action) &&
    (allowed === undefined || each.allowed === allowed) &&
    (requestId === undefined || each.requestId === requestId) &&
    ((resourceType === undefined && resourceId === undefined) ||
      each.resources.some(
        ({ type, id }) =>
          (resourceType === undefined || type === resourceType) &&
          (resourceId === undefined || id === resourceId),
      )) &&
    (since === undefined || each.at >= since) &&
    (until === undefined || each.at <= until)
  );
}

describe.each(ENGINES)('on $name', ({ open, uri, rows }) => {
  let store: Store;
  beforeEach(async () => {
    store = await open();
  });

  test('what is added is found as it was, newest first', async () => {
    const first = entry(DAY, { change: { before: null, after: { permission: 'READ' } } });
    const second = entry(DAY, { credential: null, username: null, resources: [], status: null });
    await store.audit.add([first, second]);
    expect(await store.audit.search({}, 10)).toEqual([second, first]);
  });

  test('text of any kind survives', async () => {
    const odd = entry(DAY, {
      because: `'"\\\u2028 ü 🙂 {"a":1}`,
      resources: [{ type: 'prompt', id: "a'b/ü" }],
    });
    await store.audit.add([odd]);
    expect(await store.audit.search({}, 10)).toEqual([odd]);
  });

  test('a NUL, which not every database takes, is shown as what cannot be shown', async () => {
    await store.audit.add([entry(DAY, { because: 'a\u0000b' })]);
    expect((await store.audit.search({}, 1))[0]?.because).toBe('a\ufffdb');
  });

  test.each([
    ['NUL', 'a\0', 'b\0'],
    ['half of a surrogate pair', 'a\ud800', 'a\udc00'],
  ])(
    '%s in any text does not hold up what comes with it, and is found by what was sent',
    async (_, one, other) => {
      const about = (text: string) =>
        entry(HOUR, {
          username: text,
          path: text,
          requestId: text,
          resources: [{ type: text, id: text }],
          change: { before: null, after: { name: text } },
        });
      const both = [about(one), about(other)];
      await store.audit.add(both);
      await store.audit.add([entry(HOUR + 1)]);
      const ids = async (filter: AuditFilter) => (await store.audit.search(filter, 10)).map(({ id }) => id);
      for (const mergedYet of [false, true]) {
        for (const text of [one, other]) {
          const id = both.find(({ username }) => username === text)?.id;
          for (const filter of [
            { username: text },
            { requestId: text },
            { resourceType: text },
            { resourceType: text, resourceId: text },
          ]) {
            expect(await ids(filter), `${JSON.stringify(filter)} ${mergedYet}`).toContain(id);
          }
        }
        await store.audit.merge(2 * HOUR, 10);
      }
      const shown = (await store.audit.search({}, 10)).at(-1);
      expect(JSON.stringify(shown)).not.toMatch(/\\u/);
      // None of the terms is left behind.
      await store.audit.prune(DAY, 10);
      expect(await ids({ username: one })).toEqual([]);
    },
  );

  test('a text that is too long is cut between characters, and is found by what was sent', async () => {
    const name = `${'x'.repeat(999)}\u{1F600}y`;
    const long = entry(HOUR, {
      username: name,
      path: name,
      resources: [{ type: 'experiment', id: name }],
      change: { before: null, after: { name } },
    });
    await store.audit.add([long]);
    const kept = `${'x'.repeat(999)}…`;
    const expected = [{ ...long, username: kept, path: kept, resources: [{ type: 'experiment', id: kept }] }];
    expect(await store.audit.search({ username: name }, 10)).toEqual(expected);
    expect(await store.audit.search({ resourceType: 'experiment', resourceId: name }, 10)).toEqual(expected);
    expect(await store.audit.search({ resourceId: kept }, 10)).toEqual(expected);
  });

  describe('a search', () => {
    const entries = {
      alice: entry(1 * DAY),
      refused: entry(2 * DAY, { allowed: false, because: 'no grant' }),
      bob: entry(3 * DAY, {
        username: 'bob',
        action: 'create',
        resources: [{ type: 'experiment', id: '8' }],
      }),
      model: entry(4 * DAY, {
        requestId: 'r-1',
        resources: [
          { type: 'registered_model', id: '7' },
          { type: 'experiment', id: '9' },
        ],
      }),
    };

    test.each([
      ['everything', {}, ['model', 'bob', 'refused', 'alice']],
      ['one user', { username: 'alice' }, ['model', 'refused', 'alice']],
      ['refusals', { allowed: false }, ['refused']],
      ['one action', { action: 'create' }, ['bob']],
      ['one resource', { resourceType: 'experiment', resourceId: '7' }, ['refused', 'alice']],
      ['one type of resource', { resourceType: 'registered_model' }, ['model']],
      ['one request', { requestId: 'r-1' }, ['model']],
      ['a time, both ends included', { since: 2 * DAY, until: 3 * DAY }, ['bob', 'refused']],
      ['nothing', { username: 'carol' }, []],
      ['several at once', { username: 'alice', allowed: true, since: 2 * DAY }, ['model']],
    ] as const)('for %s', async (_, filter, expected) => {
      await store.audit.add(Object.values(entries));
      const found = await store.audit.search(filter, 10);
      expect(found.map(({ id }) => id)).toEqual(expected.map((name) => entries[name].id));
    });

    test('for a type that none has finds nothing, whatever ids look like', async () => {
      await store.audit.add([
        entry(DAY, { resources: ['7:8', ':7:8', '%3A7'].map((id) => ({ type: 'experiment', id })) }),
      ]);
      expect(await store.audit.search({ resourceType: 'experiment', resourceId: '7:8' }, 10)).toHaveLength(1);
      for (const resourceType of ['experiment:7', 'experiment:', 'experiment%3A7']) {
        expect(await store.audit.search({ resourceType, resourceId: '8' }, 10)).toEqual([]);
        expect(await store.audit.search({ resourceType, resourceId: '7:8' }, 10)).toEqual([]);
      }
    });

    test('for a type does not find an id of another by its hash', async () => {
      const id = 'x'.repeat(400);
      await store.audit.add([entry(DAY, { resources: [{ type: 'model', id }] })]);
      const hash = createHash('sha256').update(id).digest('base64');
      for (const resourceType of ['model hashed', 'model %hashed']) {
        expect(await store.audit.search({ resourceType, resourceId: hash }, 10)).toEqual([]);
      }
      expect(await store.audit.search({ resourceType: 'model', resourceId: id }, 10)).toHaveLength(1);
    });

    test('for a request finds its entries whoever named it, and however long it took', async () => {
      const id = (at: number) => `${firstIdOf(at)}-7abc-8abc-00000000abcd`;
      const own = entry(DAY + 50, { requestId: id(DAY) });
      const longer = entry(2 * DAY, { requestId: id(DAY) });
      const named = entry(DAY, { requestId: id(9 * DAY) });
      const other = entry(DAY + 50, { requestId: id(DAY + 1), because: id(DAY) });
      await store.audit.add([own, other, longer, named]);
      expect(await store.audit.search({ requestId: id(DAY) }, 10)).toEqual([longer, own]);
      expect(await store.audit.search({ requestId: id(DAY) }, 1)).toEqual([longer]);
      expect(await store.audit.search({ requestId: id(DAY) }, 1, longer.id)).toEqual([own]);
      expect(await store.audit.search({ requestId: id(DAY), until: DAY + 10 }, 1)).toEqual([]);
      expect(await store.audit.search({ requestId: id(9 * DAY) }, 10)).toEqual([named]);
    });

    test('for a request finds an entry once by when its id was made, whatever else it says', async () => {
      let requests = 0;
      for (const took of [-1, 0, 59_999, 60_000, 60_001]) {
        for (const off of [-1, -0.5, 0, 0.5, 1]) {
          requests += 1;
          const requestId = `${firstIdOf(DAY)}-7abc-8abc-${String(requests).padStart(12, '0')}`;
          const made = { ...entry(DAY + took, { requestId }), at: DAY + took + off };
          await store.audit.add([made]);
          expect([took, off, await store.audit.search({ requestId }, 10)]).toEqual([took, off, [made]]);
        }
      }
    });

    test('for a type or an id finds an entry once that has several of it', async () => {
      const both = entry(DAY, {
        resources: [
          { type: 'registered_model', id: 'churn' },
          { type: 'prompt', id: 'churn' },
          { type: 'prompt', id: 'other' },
        ],
      });
      await store.audit.add([both]);
      expect(await store.audit.search({ resourceType: 'prompt' }, 10)).toEqual([both]);
      expect(await store.audit.search({ resourceId: 'churn' }, 10)).toEqual([both]);
      expect(await store.audit.search({ resourceType: 'prompt', resourceId: 'churn' }, 10)).toEqual([both]);
      expect(await store.audit.search({ resourceType: 'model', resourceId: 'churn' }, 10)).toEqual([]);
    });

    test('goes on where a page ended, with new entries meanwhile', async () => {
      await store.audit.add([entry(DAY), entry(DAY), entry(DAY)]);
      const page = await store.audit.search({}, 2);
      await store.audit.add([entry(2 * DAY)]);
      const rest = await store.audit.search({}, 2, page.at(-1)?.id);
      expect(rest).toHaveLength(1);
      expect(page.map(({ id }) => id)).not.toContain(rest[0]?.id);
    });
  });

  test('pages begin and end anywhere, also where entries of two gateways are of one time', async () => {
    const entries = Array.from({ length: 10 }, (_, index) => entry(DAY + index * 1000));
    // A gateway writes what it has taken within half a second; the other's has come between.
    await store.audit.add(entries.filter((_, index) => index % 3 === 0));
    await store.audit.add(entries.filter((_, index) => index % 3 !== 0));
    const newestFirst = entries.toReversed();
    for (let size = 1; size <= entries.length; size += 1) {
      expect(await store.audit.search({}, size)).toEqual(newestFirst.slice(0, size));
      const next = await store.audit.search({}, 3, newestFirst[size - 1]?.id);
      expect(next).toEqual(newestFirst.slice(size, size + 3));
      const until = await store.audit.search({ until: DAY + size * 1000 - 1 }, 3);
      expect(until).toEqual(newestFirst.slice(10 - size, 13 - size));
    }
  });

  test('old entries go in small steps, with what they are found by', async () => {
    const place = await uri();
    const { audit } = await open(place);
    await audit.add([entry(DAY), entry(2 * DAY), entry(3 * DAY)]);
    expect(await audit.prune(3 * DAY, 1)).toBe(1);
    expect(await audit.prune(3 * DAY, 10)).toBe(1);
    expect(await audit.prune(3 * DAY, 10)).toBe(0);
    expect(await audit.search({ resourceType: 'experiment' }, 10)).toHaveLength(1);
    const left = await rows(place, 'select distinct segment_id from audit_terms');
    expect(left).toHaveLength(1);
  });

  test('entries about very much go too', async () => {
    const place = await uri();
    const { audit } = await open(place);
    const resources = Array.from({ length: 40_000 }, (_, id) => ({ type: 'role', id: String(id) }));
    await audit.add([entry(DAY, { resources })]);
    expect(await audit.search({ resourceType: 'role', resourceId: '39999' }, 1)).toHaveLength(1);
    expect(await audit.prune(2 * DAY, 1)).toBe(1);
    expect(await rows(place, 'select term from audit_terms')).toEqual([]);
  });

  describe('entries that came one by one are put together', () => {
    const SECOND = 1000;
    const one = (second: number, about: Partial<AuditEntry> = {}) => entry(DAY + second * SECOND, about);

    /** How many segments there are. */
    const segments = async (place: string) => (await rows(place, 'select id from audit_segments')).length;

    test('those of an hour, up to as many as a segment has room for, once they are old enough', async () => {
      const place = await uri();
      const { audit } = await open(place);
      const entries = Array.from({ length: SEGMENT_SIZE + 44 }, (_, second) => one(second));
      for (const each of entries) {
        await audit.add([each]);
      }
      const before = DAY + (SEGMENT_SIZE + 24) * SECOND;
      expect(await audit.merge(before, 10)).toBe(2);
      expect(await segments(place)).toBe(22);
      expect(await audit.merge(before, 10)).toBe(0);
      expect(await audit.search({ username: 'alice' }, 1000)).toEqual(entries.toReversed());
    });

    test('not those that are too long after one another', async () => {
      const place = await uri();
      const { audit } = await open(place);
      const entries = [one(0), one(3000), one(6000), one(6001)];
      for (const each of entries) {
        await audit.add([each]);
      }
      expect(await audit.merge(DAY + 7000 * SECOND, 10)).toBe(2);
      expect(await segments(place)).toBe(2);
      expect(await audit.search({}, 10)).toEqual(entries.toReversed());
    });

    test('a few at a time', async () => {
      const place = await uri();
      const { audit } = await open(place);
      for (const second of [0, 1, 4000, 4001]) {
        await audit.add([one(second)]);
      }
      for (const [written, left] of [
        [1, 3],
        [1, 2],
        [0, 2],
      ]) {
        expect(await audit.merge(DAY + 5000 * SECOND, 1)).toBe(written);
        expect(await segments(place)).toBe(left);
      }
    });

    test('and a search that is under way meanwhile finds each once', async () => {
      const place = await uri();
      const [{ audit }, other] = [await open(place), await open(place)];
      const entries = Array.from({ length: 600 }, (_, second) => one(second));
      for (const each of entries) {
        await audit.add([each]);
      }
      const found = Promise.all(Array.from({ length: 5 }, () => audit.search({ allowed: true }, 1000)));
      await other.audit.merge(2 * DAY, 100);
      for (const each of await found) {
        expect(each).toEqual(entries.toReversed());
      }
    });
  });

  test('whatever is asked of entries that came in any order, the right ones are found, page by page', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(anyEntry, { minLength: 3, maxLength: 12 }), { minLength: 3, maxLength: 8 }),
        anyFilter,
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        async (batches, filter, size, merged) => {
          const { audit } = await open();
          const entries = batches.flat().map(({ at, ...about }) => entry(at, about));
          let taken = 0;
          for (const { length } of batches) {
            await audit.add(entries.slice(taken, taken + length));
            taken += length;
          }
          if (merged) {
            await audit.merge(LATEST, 100);
          }
          const found: AuditEntry[] = [];
          for (;;) {
            const page = await audit.search(filter, size, found.at(-1)?.id);
            found.push(...page);
            if (page.length < size) {
              break;
            }
          }
          const expected = entries
            .filter((each) => isMeant(each, filter))
            .toSorted((first, second) => (first.id > second.id ? -1 : 1));
          expect(found).toEqual(expected);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('an entry and the change that it tells are kept together, or neither', async () => {
    const failing = store.atOnce(async ({ audit, roles }) => {
      await roles.create({ name: 'staff' });
      await audit.add([entry(DAY)]);
      throw new Error('broken off');
    });
    await expect(failing).rejects.toThrow('broken off');
    expect(await store.audit.search({}, 10)).toEqual([]);
    expect(await store.roles.list()).toEqual([]);
  });
});
