import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';

const MODULE = resolve(import.meta.dirname, '../src/heap.ts');
/** Makes young objects, many of which outlive a collection, and lets go of them in between as a server does. */
const WORK = `
  import { tuneHeap, roomForYoungObjects } from ${JSON.stringify(MODULE)};
  if (process.argv[1] === 'tuned') tuneHeap();
  let [most, kept] = [0, []];
  for (let turn = 0; turn < 60; turn += 1) {
    for (let index = 0; index < 50_000; index += 1) {
      const made = { index, list: [index] };
      if (index % 10 === 0) kept.push(made);
    }
    if (turn % 8 === 0) kept = [];
    await new Promise((done) => setImmediate(done));
    most = Math.max(most, roomForYoungObjects());
  }
  console.log(most / 1024 / 1024);
`;
const mostMb = (how: string) =>
  Number(execFileSync(process.execPath, ['--input-type=module', '-e', WORK, how], { encoding: 'utf8' }));

test('young objects have room within bounds', () => {
  // One doubling may come before the bound is looked at.
  expect(mostMb('tuned')).toBeLessThanOrEqual(32);
  expect(mostMb('plain')).toBeGreaterThan(32);
});

/** V8 rests after eight seconds at the earliest, and after a hundred here and there: what it does then is made up. */
function startWithV8() {
  const v8 = { room: 0, flags: [] as string[], collected: () => {} };
  vi.doMock('node:v8', () => ({
    getHeapSpaceStatistics: () => [{ space_name: 'new_space', space_size: v8.room }],
    setFlagsFromString: (flag: string) => v8.flags.push(flag),
  }));
  vi.doMock('node:perf_hooks', () => ({
    PerformanceObserver: class {
      constructor(told: () => void) {
        v8.collected = told;
      }
      observe() {}
    },
  }));
  return {
    start: async () => (await import('../src/heap.ts')).tuneHeap(),
    /** Has V8 collect, and come to hold some room for young objects. */
    collect: (mb: number) => {
      v8.room = mb * 1024 * 1024;
      v8.collected();
    },
    /** What was set since this was asked last. */
    set: () => v8.flags.splice(0),
  };
}

afterEach(() => {
  vi.doUnmock('node:v8');
  vi.doUnmock('node:perf_hooks');
  vi.resetModules();
});

test('a rest drops what has been compiled only once, and what has room no longer grows', async () => {
  const { start, collect, set } = startWithV8();
  await start();
  expect(set()).toEqual(['--heap-growing-percent=100']);
  collect(8);
  expect(set(), 'it may grow as it is').toEqual([]);
  collect(16);
  expect(set()).toEqual(['--semi-space-growth-factor=1']);
  collect(16);
  expect(set()).toEqual([]);
  collect(2);
  expect(set(), 'it rests').toEqual(['--semi-space-growth-factor=2', '--no-memory-reducer-favors-memory']);
});

test('a start that has taken more room than is enough ends its growing at once', async () => {
  const { start, collect, set } = startWithV8();
  collect(64);
  await start();
  expect(set()).toEqual(['--heap-growing-percent=100', '--semi-space-growth-factor=1']);
});
