/**
 * Passwords cannot be guessed at will, and those who guess keep nobody out: not by what it costs to check, and no
 * user who has signed in before.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Person, type Received, type Settings, type TestGateway, unique } from '../support/gateway.ts';
import { NO_UPSTREAM, openGateway } from '../support/use-gateway.ts';

const CURRENT = '/api/2.0/mlflow/users/current';
const LOCKOUTS = '/api/2.0/mlflow/users/lockouts';

/** A gateway behind a proxy that says where each request is from; nothing here asks an upstream. */
async function throttled(overrides: Settings = {}): Promise<TestGateway> {
  const { gateway } = await openGateway({
    upstream: NO_UPSTREAM,
    settings: { trusted_proxies: '127.0.0.1', password_rounds: '4', ...overrides },
  });
  return gateway;
}

const from = (ip: string) => ({ headers: { 'x-forwarded-for': ip } });
const get = (who: Person, ip: string): Promise<Received> => who.get(CURRENT, from(ip));

async function guess(gateway: TestGateway, username: string, times: number, ip = '192.0.2.1') {
  const statuses: number[] = [];
  for (let count = 0; count < times; count += 1) {
    statuses.push((await get(gateway.as(username, `guess ${count}`), ip)).status);
  }
  return statuses;
}

const times = (count: number, status: number): number[] => Array.from({ length: count }, () => status);

/** A user whose password no gateway has seen yet. */
async function unprovedUser(gateway: TestGateway): Promise<Person> {
  return gateway.person('unproved');
}

test('after ten wrong passwords a right one does not count either, and the answer says until when', async () => {
  const gateway = await throttled();
  const alice = await unprovedUser(gateway);
  expect(await guess(gateway, alice.username, 12)).toEqual([...times(10, 401), ...times(2, 429)]);
  const refused = await get(alice, '192.0.2.1');
  expect(refused).toMatchObject({ status: 429, json: { error_code: 'RESOURCE_EXHAUSTED' } });
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(800);
  expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(900);
  expect(refused.headers['www-authenticate']).toBeUndefined();
  // Not from elsewhere, and not another user.
  expect((await get(alice, '192.0.2.2')).status).toBe(200);
  expect((await get(await unprovedUser(gateway), '192.0.2.1')).status).toBe(200);
});

test('the same wrong password over and over is as many failures', async () => {
  const gateway = await throttled();
  const alice = await unprovedUser(gateway);
  const wrong = gateway.as(alice.username, 'the same wrong password');
  for (let count = 0; count < 10; count += 1) {
    expect((await get(wrong, '192.0.2.1')).status).toBe(401);
  }
  expect((await get(alice, '192.0.2.1')).status).toBe(429);
});

test('a user who has signed in before is never kept out', async () => {
  const gateway = await throttled();
  const alice = await unprovedUser(gateway);
  expect((await get(alice, '192.0.2.1')).status).toBe(200);
  await guess(gateway, alice.username, 40);
  expect((await get(alice, '192.0.2.1')).status).toBe(200);
  expect((await get(alice, '203.0.113.9')).status).toBe(200);
});

test('many names from one address, and one name from many addresses, are locked out too', async () => {
  const gateway = await throttled();
  const statuses: number[] = [];
  for (let count = 0; count < 35; count += 1) {
    statuses.push(...(await guess(gateway, `made-up-${count}`, 1)));
  }
  expect(statuses).toEqual([...times(30, 401), ...times(5, 429)]);
  const bob = await unprovedUser(gateway);
  expect((await get(bob, '192.0.2.1')).status).toBe(429);
  for (let host = 1; host <= 30; host += 1) {
    await guess(gateway, bob.username, 1, `198.51.100.${host}`);
  }
  expect((await get(bob, '203.0.113.9')).status).toBe(429);
});

test('whether there is such a user is not told', async () => {
  const gateway = await throttled({ sign_in_failures: '1' });
  const alice = await unprovedUser(gateway);
  const texts: string[] = [];
  for (const [name, ip] of [
    [alice.username, '192.0.2.1'],
    ['nobody-at-all', '192.0.2.2'],
  ] as const) {
    await guess(gateway, name, 1, ip);
    texts.push((await get(gateway.as(name, 'another'), ip)).text);
  }
  expect(texts[0]).toBe(texts[1]);
});

test('requests without credentials, and the sign-out of MLflow’s UI, are no failures', async () => {
  const gateway = await throttled({ sign_in_failures: '1' });
  for (let count = 0; count < 5; count += 1) {
    expect((await get(gateway.anonymous, '192.0.2.1')).status).toBe(401);
    const signedOut = `mlflow-logged-out-${count}`;
    expect((await get(gateway.as(signedOut, signedOut), '192.0.2.1')).status).toBe(401);
  }
  expect((await get(await unprovedUser(gateway), '192.0.2.1')).status).toBe(200);
});

test('an address that a client makes up for itself is not believed', async () => {
  const gateway = await throttled({ trusted_proxies: '192.0.2.200' });
  const alice = await unprovedUser(gateway);
  for (let count = 0; count < 10; count += 1) {
    await guess(gateway, alice.username, 1, `198.51.100.${count}`);
  }
  expect((await get(alice, '198.51.100.77')).status).toBe(429);
});

test('the current password cannot be guessed through a page left open', async () => {
  const gateway = await throttled();
  const alice = await unprovedUser(gateway);
  expect((await alice.get(CURRENT)).status).toBe(200);
  const change = (current_password: string) =>
    alice.patch('/ajax-api/2.0/mlflow/users/update-password', {
      username: alice.username,
      password: 'another password, long enough',
      current_password,
    });
  for (let count = 0; count < 10; count += 1) {
    expect((await change(`guess ${count}`)).status).toBe(400);
  }
  expect((await change(alice.password)).status).toBe(429);
});

test('gateways on one store count together, and a lockout that is lifted at one is lifted at all', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'throttling-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const shared = { database_uri: `sqlite:///${join(dir, 'gateway.db')}` };
  const [one, two] = [await throttled(shared), await throttled(shared)];
  const alice = await one.person('alice');
  const atTwo = two.as(alice.username, alice.password);
  expect(await guess(one, alice.username, 5)).toEqual(times(5, 401));
  expect(await guess(two, alice.username, 6)).toEqual([...times(5, 401), 429]);
  expect((await get(alice, '192.0.2.1')).status).toBe(429);

  const { lockouts } = (await two.admin.get(`${LOCKOUTS}/list`)).json;
  expect(lockouts).toEqual([
    { username: alice.username, ip: '192.0.2.1', failures: 10, until: expect.any(Number) },
  ]);
  expect((await one.admin.delete(`${LOCKOUTS}/delete`, { username: alice.username })).json).toEqual({});
  expect((await two.admin.get(`${LOCKOUTS}/list`)).json).toEqual({ lockouts: [] });
  expect((await get(atTwo, '192.0.2.1')).status).toBe(200);
  const { entries } = (await one.admin.get('/api/2.0/mlflow/audit/search?action=clear_lockout')).json;
  expect(entries).toMatchObject([
    { username: 'admin', change: { before: { username: alice.username }, after: null } },
  ]);
});

describe('an admin', () => {
  test('sees lockouts of names and of addresses, a page at a time, and lifts those of an address', async () => {
    const gateway = await throttled({ sign_in_failures: '1' });
    for (let user = 1; user <= 3; user += 1) {
      await guess(gateway, `user-${user}`, 1);
    }
    const first = (await gateway.admin.get(`${LOCKOUTS}/list?max_results=3`)).json;
    expect(first.lockouts.map(({ username, ip }: Record<string, unknown>) => [username, ip])).toEqual([
      [null, '192.0.2.1'],
      ['user-1', '192.0.2.1'],
      ['user-2', '192.0.2.1'],
    ]);
    const next = `${LOCKOUTS}/list?max_results=3&page_token=${first.next_page_token}`;
    const second = (await gateway.admin.get(next)).json;
    expect(second).toMatchObject({ lockouts: [{ username: 'user-3' }] });
    expect(second).not.toHaveProperty('next_page_token');
    await gateway.admin.delete(`${LOCKOUTS}/delete`, { ip: '::ffff:192.0.2.1' });
    expect((await gateway.admin.get(`${LOCKOUTS}/list`)).json).toEqual({ lockouts: [] });
  });

  test('is told what is wrong with a request', async () => {
    const gateway = await throttled();
    for (const [method, path, json] of [
      ['GET', '/list?max_results=0', undefined],
      ['GET', '/list?max_results=1001', undefined],
      ['GET', '/list?max_results=many', undefined],
      ['GET', '/list?page_token=made-up', undefined],
      ['GET', '/list?page_token=WzFd', undefined],
      ['DELETE', '/delete', {}],
      ['DELETE', '/delete', { username: '' }],
      ['DELETE', '/delete', { username: 7 }],
      ['DELETE', '/delete', { ip: 'localhost' }],
    ] as const) {
      const answer = await gateway.admin.send(
        method,
        `${LOCKOUTS}${path}`,
        json === undefined ? {} : { json },
      );
      expect([path, json, answer.status, answer.json.error_code]).toEqual([
        path,
        json,
        400,
        'INVALID_PARAMETER_VALUE',
      ]);
    }
  });
});

describe('while a flood of wrong passwords is under way, a right first one is let in', () => {
  /** Costly enough that the flood is still there. */
  const COSTLY = { password_rounds: '10' };

  const count = (answers: readonly Received[]) =>
    Object.fromEntries(
      [...Map.groupBy(answers, ({ status }) => status)].map(([status, all]) => [status, all.length]),
    );

  test('of another user, at the very address that guesses one', async () => {
    const gateway = await throttled(COSTLY);
    const [alice, bob] = [await unprovedUser(gateway), await unprovedUser(gateway)];
    const flood = Array.from({ length: 100 }, (_, index) =>
      get(gateway.as(alice.username, `guess ${index}`), '192.0.2.1'),
    );
    expect((await get(bob, '192.0.2.1')).status).toBe(200);
    expect(count(await Promise.all(flood))).toEqual({ 401: 10, 429: 90 });
  });

  test('at another address than the one that tries three hundred names', async () => {
    const gateway = await throttled(COSTLY);
    const bob = await unprovedUser(gateway);
    const flood = Array.from({ length: 300 }, (_, index) =>
      get(gateway.as(unique('made-up'), `guess ${index}`), '192.0.2.1'),
    );
    expect((await get(bob, '192.0.2.2')).status).toBe(200);
    expect(count(await Promise.all(flood))).toEqual({ 401: 30, 429: 270 });
  });
});
