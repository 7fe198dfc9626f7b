/** As kills.test.ts, at every point and at random moments, `FAULTS_ROUNDS` times (1,000). */
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureBuild } from '../../scripts/lib/ensure-build.mjs';
import { CHANGES, type ChangeKind, type Killing, POINTS, type Point, startKilling } from './kills.ts';

const ROUNDS = Number(process.env['FAULTS_ROUNDS'] ?? 1_000);
/** Gateways, each with a store of its own, in front of one MLflow: one is killed while another waits. */
const GATEWAYS = 4;
const HOURS = 3_600_000;
/** It starts in half the time that the sources take. */
const BUILT = [process.execPath, resolve(import.meta.dirname, '../../dist/main.js')];

let killings: readonly Killing[];
beforeAll(async () => {
  await ensureBuild();
  killings = await Promise.all(Array.from({ length: GATEWAYS }, () => startKilling(BUILT)));
});
afterAll(() => Promise.all(killings.map((killing) => killing.close())));

test(`${ROUNDS} kills lose nothing, leave nothing over and let nothing be inherited`, {
  timeout: 3 * HOURS,
}, async () => {
  const wrong: string[] = [];
  let rounds = 0;
  async function keepKilling(killing: Killing): Promise<void> {
    while (rounds < ROUNDS) {
      const round = rounds;
      rounds += 1;
      const kind = CHANGES[round % CHANGES.length] as ChangeKind;
      const point = POINTS[Math.floor(round / CHANGES.length) % POINTS.length] as Point;
      const moment = Math.random();
      await killing.round(kind, point, moment).catch((error: Error) => {
        wrong.push(`${kind}, killed ${point} (${moment}): ${error.message}`);
        console.log(wrong.at(-1));
      });
      if (rounds % 100 === 0) {
        console.log(`${rounds} rounds are begun, ${wrong.length} went wrong`);
      }
    }
  }
  await Promise.all(killings.map(keepKilling));
  expect(wrong).toEqual([]);
});
