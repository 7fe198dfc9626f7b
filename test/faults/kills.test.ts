/** `kill -9` of the gateway around what MLflow does: nothing is lost, nothing left over, nothing inherited. */
import { afterAll, beforeAll, test } from 'vitest';
import { CHANGES, type Killing, startKilling } from './kills.ts';

let killing: Killing;
beforeAll(async () => {
  killing = await startKilling();
});
afterAll(() => killing.close());

// Killed when MLflow has done it: test/gateway/adoption/adopt-crash.test.ts.
test.each(CHANGES)('a %s that MLflow has not heard of has not happened', (kind) =>
  killing.round(kind, 'before MLflow has heard of it'),
);

test.each(CHANGES)('a %s that was answered has happened', (kind) =>
  killing.round(kind, 'once it is answered'),
);
