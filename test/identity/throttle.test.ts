import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createThrottle, limitsOf, type Throttle } from '../../src/identity/throttle.ts';
import { openStore, type Store } from '../../src/store/index.ts';

const LIMITS = { failures: 3, windowSeconds: 60, lockoutSeconds: 600 };
const HERE = '192.0.2.1';
const LOCKED = { code: 'RESOURCE_EXHAUSTED', status: 429 };

let now: number;
let store: Store;
let throttle: Throttle;

beforeEach(async () => {
  now = 1_000_000;
  store = await openStore('sqlite:///:memory:', { clock: () => now });
  onTestFinished(() => store.close());
  throttle = createThrottle(store.throttles, LIMITS, () => now);
});

const fails = (username: string, ip = HERE, by = throttle) => by.attempt({ username, ip }, async () => false);
const succeeds = (username: string, ip = HERE, by = throttle) =>
  by.attempt({ username, ip }, async () => true);

async function failTimes(times: number, username: string, ip = HERE): Promise<void> {
  for (let count = 0; count < times; count += 1) {
    expect(await fails(username, ip)).toBe(false);
  }
}

test('a name from an address is locked out after so many failures, and nothing is checked any more', async () => {
  await failTimes(3, 'alice');
  let checked = false;
  const attempt = throttle.attempt({ username: 'alice', ip: HERE }, async () => {
    checked = true;
    return true;
  });
  await expect(attempt).rejects.toMatchObject({ ...LOCKED, headers: { 'retry-after': '600' } });
  expect(checked).toBe(false);
  expect(await succeeds('alice', '192.0.2.2')).toBe(true);
  expect(await succeeds('bob')).toBe(true);
});

test('a name is locked out everywhere after three times as many', async () => {
  for (let host = 1; host <= 9; host += 1) {
    await failTimes(1, 'alice', `198.51.100.${host}`);
  }
  await expect(succeeds('alice', '203.0.113.1')).rejects.toMatchObject(LOCKED);
  expect(await succeeds('bob', '198.51.100.1')).toBe(true);
});

test('an address is locked out for everybody after three times as many', async () => {
  for (let user = 1; user <= 9; user += 1) {
    await failTimes(1, `user-${user}`);
  }
  await expect(succeeds('anybody')).rejects.toMatchObject(LOCKED);
  expect(await succeeds('anybody', '192.0.2.2')).toBe(true);
});

test('all addresses of one IPv6 network are one', async () => {
  await failTimes(2, 'alice', '2001:db8::1');
  await failTimes(1, 'alice', '2001:db8::2');
  await expect(succeeds('alice', '2001:db8::3')).rejects.toMatchObject(LOCKED);
});

describe('a failure counts', () => {
  test('until its window ends', async () => {
    await failTimes(2, 'alice');
    now += 60_000;
    await failTimes(2, 'alice');
    expect(await succeeds('alice')).toBe(true);
  });

  test('in the window that the first one opened', async () => {
    await failTimes(1, 'alice');
    now += 59_000;
    await failTimes(1, 'alice');
    now += 2_000;
    await failTimes(2, 'alice');
    expect(await succeeds('alice')).toBe(true);
  });

  test('no more for its name from its address once the password was right', async () => {
    await failTimes(2, 'alice');
    expect(await succeeds('alice')).toBe(true);
    await failTimes(2, 'alice');
    expect(await succeeds('alice')).toBe(true);
  });

  test('for its address all the same, a user who signs in from there', async () => {
    for (let user = 1; user <= 8; user += 1) {
      await failTimes(1, `user-${user}`);
    }
    expect(await succeeds('mallory')).toBe(true);
    await failTimes(1, 'user-9');
    await expect(succeeds('mallory')).rejects.toMatchObject(LOCKED);
  });
});

test('a lockout ends, and says when', async () => {
  await failTimes(3, 'alice');
  now += 540_500;
  await expect(succeeds('alice')).rejects.toMatchObject({
    message: expect.stringContaining('Try again in 60 seconds'),
    headers: { 'retry-after': '60' },
  });
  now += 60_000;
  expect(await succeeds('alice')).toBe(true);
});

test('no more is tried at once than one after the other', async () => {
  const ends: (() => void)[] = [];
  const attempts = Array.from({ length: 100 }, () =>
    throttle.attempt(
      { username: 'alice', ip: HERE },
      () => new Promise((resolve) => ends.push(() => resolve(false))),
    ),
  );
  const settled = Promise.allSettled(attempts);
  await new Promise(setImmediate);
  await expect(Promise.race(attempts.slice(3))).rejects.toMatchObject(LOCKED);
  expect(ends.length).toBeLessThanOrEqual(3);
  for (const end of ends) {
    end();
  }
  const refused = (await settled).filter(({ status }) => status === 'rejected');
  expect(refused.length).toBeGreaterThanOrEqual(97);
});

describe('many users behind one address', () => {
  /** Attempts of as many users, whose checks end when told to. */
  function come(count: number) {
    const ends: ((isRight: boolean) => void)[] = [];
    const attempts = Array.from({ length: count }, (_, index) =>
      throttle.attempt({ username: `user ${index}`, ip: HERE }, () => new Promise((end) => ends.push(end))),
    );
    return { ends, settled: Promise.allSettled(attempts) };
  }
  const atOnce = 3 * LIMITS.failures;

  test('wait for each other, and all sign in', async () => {
    const { ends, settled } = come(100);
    for (let ended = 0; ended < 100; ended += 1) {
      await expect.poll(() => ends.length).toBe(Math.min(100, ended + atOnce));
      ends[ended]?.(true);
    }
    expect((await settled).every(({ status }) => status === 'fulfilled')).toBe(true);
  });

  test('are all refused once as many of them were wrong as may be', async () => {
    const { ends, settled } = come(100);
    await expect.poll(() => ends.length).toBe(atOnce);
    for (const end of ends) {
      end(false);
    }
    const refused = (await settled).filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(100 - atOnce);
    expect(ends).toHaveLength(atOnce);
  });

  test('do not wait in any number', async () => {
    const { ends, settled } = come(1_000 + 2 * atOnce);
    await expect.poll(() => ends.length).toBe(atOnce);
    for (let ended = 0; ended < 1_000 + atOnce; ended += 1) {
      await expect.poll(() => ends.length, { interval: 1 }).toBeGreaterThan(ended);
      ends[ended]?.(true);
    }
    expect((await settled).filter(({ status }) => status === 'rejected')).toHaveLength(atOnce);
  });
});

test('what comes alone gets its turn before what comes in numbers', async () => {
  await failTimes(2, 'alice');
  const ranks: (readonly number[])[] = [];
  const note = (rank: readonly number[]) => {
    ranks.push(rank);
    return Promise.resolve(true);
  };
  await throttle.attempt({ username: 'alice', ip: HERE }, note);
  await throttle.attempt({ username: 'bob', ip: HERE }, note);
  await throttle.attempt({ username: 'bob', ip: '192.0.2.2' }, note);
  expect(ranks).toEqual([
    [2, 2, 2],
    [0, 2, 0],
    [0, 0, 0],
  ]);
});

test('gateways on one store count together', async () => {
  const other = createThrottle(store.throttles, LIMITS, () => now);
  await failTimes(2, 'alice');
  await fails('alice', HERE, other);
  await expect(succeeds('alice')).rejects.toMatchObject(LOCKED);
  await expect(succeeds('alice', HERE, other)).rejects.toMatchObject(LOCKED);
});

test('a check that gives no answer is no failure', async () => {
  for (let count = 0; count < 10; count += 1) {
    const broken = throttle.attempt({ username: 'alice', ip: HERE }, () => Promise.reject(new Error('away')));
    await expect(broken).rejects.toThrow('away');
  }
  expect(await succeeds('alice')).toBe(true);
});

describe('lockouts are', () => {
  const list = (after?: { username: string; ip: string }, max = 10) =>
    store.throttles.locked(limitsOf(LIMITS), { after, max });

  test('listed, a page at a time, and failures that lock nothing are not', async () => {
    await failTimes(3, 'alice');
    await failTimes(3, 'bob', '192.0.2.2');
    await failTimes(2, 'carol', '192.0.2.3');
    const until = now + 600_000;
    const alice = { username: 'alice', ip: HERE, failures: 3, until };
    const bob = { username: 'bob', ip: '192.0.2.2', failures: 3, until };
    expect(await list()).toEqual([alice, bob]);
    expect(await list(undefined, 1)).toEqual([alice]);
    expect(await list(alice)).toEqual([bob]);
    now += 600_000;
    expect(await list()).toEqual([]);
  });

  test('lifted for a name, or for an address', async () => {
    for (let host = 1; host <= 9; host += 1) {
      await failTimes(1, 'alice', `198.51.100.${host}`);
    }
    await store.throttles.clear({ username: 'alice' });
    expect(await succeeds('alice', '198.51.100.1')).toBe(true);
    for (let user = 1; user <= 9; user += 1) {
      await failTimes(1, `user-${user}`);
    }
    await store.throttles.clear({ ip: HERE });
    expect(await succeeds('user-1')).toBe(true);
    expect(await list()).toEqual([]);
  });
});
