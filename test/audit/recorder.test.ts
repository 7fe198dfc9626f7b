import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { createRecorder } from '../../src/audit/recorder.ts';
import { type AuditEntry, readEntries } from '../../src/store/audit/index.ts';
import { entry } from '../store/audit-entry.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

/** A recorder on a store that takes what it is given, or fails. */
function recorder() {
  const added: (readonly AuditEntry[])[] = [];
  const warnings: unknown[] = [];
  const store = { fails: false };
  const made = createRecorder({
    audit: {
      async addSegments(segments) {
        if (store.fails) {
          throw new Error('away');
        }
        added.push(segments.flatMap(({ entries }) => readEntries(entries)));
      },
      merge: async () => 0,
      prune: async () => 0,
    },
    log: { warn: (about: unknown) => void warnings.push(about), error: () => undefined },
    keepDays: 1,
    clock: () => 0,
  });
  onTestFinished(() => made.close());
  return { ...made, added, warnings, store };
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
