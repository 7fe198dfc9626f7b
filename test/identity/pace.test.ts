import { expect, onTestFinished, test, vi } from 'vitest';
import { createAccounts } from '../../src/identity/accounts.ts';
import { createBasic } from '../../src/identity/basic.ts';
import { createPace } from '../../src/identity/pace.ts';
import { createPasswords } from '../../src/identity/password.ts';
import { createThrottle } from '../../src/identity/throttle.ts';
import { open } from '../store/temporary.ts';

async function waitsOf(count: number, pace: () => Promise<void>): Promise<readonly number[]> {
  const begun = Date.now();
  const waits = Array.from({ length: count }, () => pace().then(() => Date.now() - begun));
  await vi.advanceTimersByTimeAsync(60_000);
  return Promise.all(waits);
}

test('a second’s worth passes at once, the rest in turn, and nothing waits longer than it may', async () => {
  vi.useFakeTimers();
  try {
    const pace = createPace({ perSecond: 50, longestMs: 5_000, clock: Date.now });
    expect(Math.max(...(await waitsOf(50, pace)))).toBe(0);
    const flood = await waitsOf(400, pace);
    expect(flood.filter((ms) => ms === 0).length).toBeLessThanOrEqual(51);
    expect(flood.filter((ms) => ms > 0 && ms <= 1000)).toHaveLength(50);
    expect(Math.max(...flood)).toBe(5_000);
    expect(Math.max(...(await waitsOf(50, pace)))).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test('a clock that is put back keeps nobody waiting longer', async () => {
  vi.useFakeTimers();
  try {
    let now = 1_000_000;
    const pace = createPace({ perSecond: 50, longestMs: 5_000, clock: () => now });
    await waitsOf(200, pace);
    now = 0;
    expect(Math.max(...(await waitsOf(3, pace)))).toBeLessThanOrEqual(5_000);
    now = 20_000;
    expect(Math.max(...(await waitsOf(3, pace)))).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test('what is refused without a look at the password waits its turn, and nothing else does', async () => {
  const store = await open();
  const passwords = createPasswords({ rounds: 4, minLength: 1, maxThreads: 1 });
  onTestFinished(() => passwords.close());
  await store.users.create({
    ...{ username: 'alice', passwordHash: await passwords.hash('right'), isAdmin: false },
  });
  let turns = 0;
  const basic = createBasic({
    accounts: createAccounts(store),
    passwords,
    throttle: createThrottle(
      store.throttles,
      { failures: 1, windowSeconds: 60, lockoutSeconds: 60 },
      Date.now,
    ),
    rehash: async (_username, from) => from,
    processKey: Buffer.alloc(32),
    pace: async () => {
      turns += 1;
    },
  });
  const ip = '192.0.2.1';
  const right = { username: 'alice', password: 'right' };
  expect(await basic.signIn(right, ip)).toMatchObject({ username: 'alice' });
  expect(await basic.signIn({ username: 'alice', password: 'wrong' }, ip)).toMatchObject({
    triedAs: 'alice',
  });
  expect(turns).toBe(0);
  expect(await basic.signIn({ username: 'alice', password: 'wrong too' }, ip)).toMatchObject({
    error: { status: 429 },
  });
  expect(turns).toBe(1);
  // It was proved before.
  expect(await basic.signIn(right, ip)).toMatchObject({ username: 'alice' });
  expect(turns).toBe(1);
});
