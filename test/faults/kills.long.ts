/** As kills.test.ts, at every point and at random moments, `FAULTS_ROUNDS` times (1,000). */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CHANGES, type ChangeKind, type Killing, POINTS, type Point, startKilling } from './kills.ts';

const ROUNDS = Number(process.env['FAULTS_ROUNDS'] ?? 1_000);
const HOURS = 3_600_000;

let killing: Killing;
beforeAll(async () => {
  killing = await startKilling();
});
afterAll(() => killing.close());

test(`${ROUNDS} kills lose nothing, leave nothing over and let nothing be inherited`, {
  timeout: 3 * HOURS,
}, async () => {
  const wrong: string[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const kind = CHANGES[round % CHANGES.length] as ChangeKind;
    const point = POINTS[Math.floor(round / CHANGES.length) % POINTS.length] as Point;
    const moment = Math.random();
    await killing.round(kind, point, moment).catch((error: Error) => {
      wrong.push(`${kind}, killed ${point} (${moment}): ${error.message}`);
    });
  }
  expect(wrong).toEqual([]);
});
