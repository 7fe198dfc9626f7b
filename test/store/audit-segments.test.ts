import { expect, test } from 'vitest';
import { type AuditEntry, collectEntries, readEntries } from '../../src/store/audit/index.ts';
import { entry } from './audit-entry.ts';

const RUNS = 50;

/** What fifty training loops log in turn. */
const logged = Array.from({ length: 1000 }, (_, at) =>
  entry(at, {
    requestId: `of ${at}`,
    durationMs: at % 7,
    resources: [
      { type: 'run', id: `run-${at % RUNS}` },
      { type: 'experiment', id: '1' },
    ],
  }),
);

/** Has entries kept, and read back as they were. Answers how long what is kept is. */
function keep(all: readonly AuditEntry[]): number {
  const collection = collectEntries();
  all.forEach(collection.add);
  const segments = collection.take();
  expect(segments.flatMap(({ entries }) => readEntries(entries))).toEqual(all);
  return segments.reduce((sum, { entries }) => sum + entries.length, 0);
}

test('entries that are alike take little more room than what they have of their own', () => {
  expect(keep(logged)).toBeLessThan(JSON.stringify(logged).length / 2);
});

test('so do entries of several operations and users on a thing, in turn', () => {
  const mixed = logged.map((each, at) => ({
    ...each,
    operation: `POST 2.0 runs/log-${at % 3}`,
    username: `user-${at % 2}`,
    resources: [{ type: 'run', id: 'run-1' }],
  }));
  expect(keep(mixed)).toBeLessThan(JSON.stringify(mixed).length / 2);
});

test('an entry that is like another has what is its own as it was, whatever that is', () => {
  const requestIds = [
    null,
    '',
    'a',
    'a-1._Z',
    'with "quotes"',
    'a\\b',
    'a\nb',
    'ä',
    '\u2028',
    'x'.repeat(900),
  ];
  const own = requestIds.flatMap((requestId) => [
    { requestId, durationMs: 1 },
    { requestId, durationMs: null },
    { requestId, durationMs: 1e21 },
  ]);
  keep(own.map((each, at) => entry(at, each)));
});

test('an entry that is like one of long ago alone is told from all others about its thing', () => {
  const all = Array.from({ length: 300 }, (_, at) => entry(at, { because: `reason ${at}` }));
  const again = entry(300, { because: 'reason 0' });
  keep([...all, again]);
});

test('entries that come out of the order of their ids begin another segment', () => {
  const collection = collectEntries();
  const [first, second, third] = [entry(3), entry(1), entry(2)];
  [first, second, third].forEach(collection.add);
  expect(collection.take().map(({ entries }) => readEntries(entries))).toEqual([[first], [second, third]]);
  expect(collection.take()).toEqual([]);
});

/** Others than those of an entry. A field that is new does not compile until it stands here. */
const OTHERS = {
  username: ['bob', null],
  credential: [{ kind: 'token', id: 'a' }, { kind: 'password', id: 'a' }, { kind: 'token', id: null }, null],
  ip: ['192.0.2.8', null],
  method: ['GET', null],
  path: ['/other', null],
  operation: ['POST 2.0 runs/restore', null],
  action: ['create'],
  resources: [
    [],
    [{ type: 'run', id: '7' }],
    [{ type: 'experiment', id: '8' }],
    [
      { type: 'experiment', id: '7' },
      { type: 'run', id: '7' },
    ],
  ],
  allowed: [false],
  enforced: [false],
  because: ['admin'],
  status: [500, null],
  change: [{ before: null, after: {} }],
} satisfies {
  [Field in Exclude<keyof AuditEntry, 'id' | 'at' | 'requestId' | 'durationMs'>]: AuditEntry[Field][];
};

test.each(
  Object.entries(OTHERS).flatMap(([field, values]) => values.map((value) => [field, value] as const)),
)('two that differ in their %s are told apart: %j', (field, value) => {
  keep([entry(1), entry(2, { [field]: value }), entry(3)]);
  keep([entry(1, { [field]: value }), entry(2), entry(3, { [field]: value })]);
});
