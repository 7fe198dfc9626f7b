import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const MODULE = resolve(import.meta.dirname, '../src/young-objects.ts');
/** Makes young objects, many of which outlive a collection, and lets go of them in between as a server does. */
const WORK = `
  import { boundYoungObjects, roomForYoungObjects } from ${JSON.stringify(MODULE)};
  if (process.argv[1] === 'bounded') boundYoungObjects();
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
  expect(mostMb('bounded')).toBeLessThanOrEqual(32);
  expect(mostMb('unbounded')).toBeGreaterThan(32);
});
