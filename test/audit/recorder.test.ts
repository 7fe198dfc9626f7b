import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { createRecorder } from '../../src/audit/recorder.ts';
import type { AuditEntry } from '../../src/store/audit/index.ts';
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
      async add(entries) {
        if (store.fails) {
          throw new Error('away');
        }
        added.push(entries);
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

test('as many entries as are kept together are written at once', async () => {
  const { record, added } = recorder();
  const entries = Array.from({ length: 600 }, (_, at) => entry(at));
  for (const each of entries) {
    record(each);
  }
  await settle();
  expect(added.flat()).toEqual(entries);
  expect(added.map(({ length }) => length)).toEqual([256, 256, 88]);
});

test('fewer wait half a second for others', async () => {
  const { record, added } = recorder();
  record(entry(1));
  vi.advanceTimersByTime(499);
  await settle();
  expect(added).toEqual([]);
  vi.advanceTimersByTime(1);
  await settle();
  expect(added).toHaveLength(1);
});

test('a store that is away is not asked again with each entry, and gets all of them', async () => {
  const { record, added, warnings, store, flush } = recorder();
  store.fails = true;
  for (let at = 0; at < 600; at += 1) {
    record(entry(at));
    await setImmediate();
  }
  expect(warnings).toHaveLength(2);
  store.fails = false;
  await flush();
  expect(added.flat()).toHaveLength(600);
});
