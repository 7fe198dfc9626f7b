import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { createRecorder } from '../../src/audit/recorder.ts';
import { invalid } from '../../src/errors.ts';
import { type AuditEntry, readEntries, SEGMENT_SIZE, type Segment } from '../../src/store/audit/index.ts';
import { entry } from '../store/audit-entry.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

/** A recorder on a store that takes what it is given, or fails. */
function recorder() {
  const added: (readonly AuditEntry[])[] = [];
  const warnings: unknown[] = [];
  const told: unknown[] = [];
  const store: { fails: boolean; refuses?: Error } = { fails: false };
  const add = async (segments: readonly Segment[]) => {
    const entries = segments.flatMap((segment) => readEntries(segment.entries));
    if (store.fails) {
      throw new Error('away');
    }
    if (store.refuses !== undefined && entries.some(({ because }) => because === 'bad')) {
      throw store.refuses;
    }
    added.push(entries);
  };
  const made = createRecorder({
    audit: { addSegments: add, addMissing: add, merge: async () => 0, prune: async () => 0 },
    log: {
      warn: (about: unknown) => void warnings.push(about),
      error: ({ entry }: { entry?: AuditEntry }) => void (entry !== undefined && told.push(entry)),
    },
    keepDays: 1,
    clock: () => 0,
  });
  onTestFinished(() => made.close());
  return {
    ...made,
    get waiting() {
      return made.waiting;
    },
    added,
    warnings,
    told,
    store,
  };
}

/** All that can be done without waiting for a moment to come. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) {
    await setImmediate();
  }
}

test('entries are written in their order, so many that requests have their turn in between', async () => {
  const { record, added } = recorder();
  const entries = Array.from({ length: 5000 }, (_, at) => entry(at));
  for (const each of entries) {
    record(each);
  }
  vi.advanceTimersByTime(500);
  await settle();
  expect(added.flat()).toEqual(entries);
  expect(added.map(({ length }) => length)).toEqual([2048, 2048, 904]);
});

test('an entry waits half a second for others', async () => {
  const { record, added } = recorder();
  record(entry(1));
  vi.advanceTimersByTime(499);
  await settle();
  expect(added).toEqual([]);
  vi.advanceTimersByTime(1);
  await settle();
  expect(added).toHaveLength(1);
});

test('a store that is away is asked again, and gets all of them when it is back', async () => {
  const { record, added, warnings, store } = recorder();
  store.fails = true;
  for (let at = 0; at < 600; at += 1) {
    record(entry(at));
  }
  vi.advanceTimersByTime(500);
  await settle();
  expect(warnings).toHaveLength(1);
  store.fails = false;
  vi.advanceTimersByTime(500);
  await settle();
  expect(added.flat()).toHaveLength(600);
});

test('what is long is written in more transactions: a database takes no more than so much at once', async () => {
  const { record, added } = recorder();
  const path = '\u0001'.repeat(990);
  const entries = Array.from({ length: 2048 }, (_, at) => entry(at, { username: `user ${at}`, path }));
  for (const each of entries) {
    record(each);
  }
  vi.advanceTimersByTime(500);
  await settle();
  expect(added.flat()).toEqual(entries);
  expect(added.length).toBeGreaterThan(2);
});

const BAD = SEGMENT_SIZE + 44;

/** Three segments, of which the middle one has an entry that the store does not take. */
const withBad = () =>
  Array.from({ length: 3 * SEGMENT_SIZE }, (_, at) => entry(at, { because: at === BAD ? 'bad' : 'good' }));

test('what the store refuses is told to the process log, and keeps nothing else out', async () => {
  const made = recorder();
  made.store.refuses = invalid('A name is too long.');
  const entries = withBad();
  for (const each of entries) {
    made.record(each);
  }
  await made.flush();
  expect(made.told).toEqual([entries[BAD]]);
  expect(made.added.flat()).toEqual(entries.toSpliced(BAD, 1));
  expect(made.waiting).toBe(0);
});

test('what fails again and again while others are written is told to the process log in the end', async () => {
  const made = recorder();
  made.store.refuses = new Error('it gave no answer');
  const entries = withBad();
  for (const each of entries) {
    made.record(each);
  }
  for (let at = 0; at < 10; at += 1) {
    await made.flush();
    made.record(entry(3 * SEGMENT_SIZE + at));
  }
  expect(made.added.flat()).toEqual(
    expect.arrayContaining([...entries.slice(0, SEGMENT_SIZE), ...entries.slice(2 * SEGMENT_SIZE)]),
  );
  expect(made.told).toEqual([]);
  for (let at = 0; at < 30; at += 1) {
    await made.flush();
    made.record(entry(4 * SEGMENT_SIZE + at));
  }
  await made.flush();
  expect(made.told).toEqual([entries[BAD]]);
  expect(made.added.flat()).toEqual(expect.arrayContaining(entries.toSpliced(BAD, 1)));
  expect(made.waiting).toBe(0);
});

test('what fails while nothing else is written is kept for a store that is back', async () => {
  const made = recorder();
  made.store.fails = true;
  const entries = Array.from({ length: 600 }, (_, at) => entry(at));
  for (const each of entries) {
    made.record(each);
  }
  for (let at = 0; at < 100; at += 1) {
    await made.flush();
  }
  made.store.fails = false;
  await made.flush();
  expect(made.told).toEqual([]);
  expect(made.added.flat().toSorted((one, other) => one.at - other.at)).toEqual(entries);
});
