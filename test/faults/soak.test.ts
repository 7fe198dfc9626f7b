/** Rights that change all the time over two gateways on one PostgreSQL: nobody is answered by old ones. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { personAt } from '../support/gateway.ts';
import { soak } from './soak.ts';
import { startTwoGateways, type TwoGateways } from './two-gateways.ts';

let two: TwoGateways;
beforeAll(async () => {
  two = await startTwoGateways();
});
afterAll(() => two.close());

test('a few seconds of it, asked of both gateways', async () => {
  const { username, password } = two.bob;
  const bobHere = personAt(two.here.url, username, password);
  const { changes, answers, stale } = await soak({
    ms: 5_000,
    everyMs: 50,
    change: two.change,
    readers: [two.bob, two.bob, two.bob, bobHere],
    target: two.target,
  });
  expect(stale).toEqual([]);
  expect(changes).toBeGreaterThan(5);
  expect(answers).toBeGreaterThan(changes);
});
