/** Sessions of browsers: who has the cookie is the user, for as long as the session lasts and not a request longer. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { makeSessionSecret } from '../../src/identity/session-cookie.ts';
import { makeSecret } from '../../src/identity/token-secret.ts';
import { freePort } from '../support/free-port.ts';
import type { Sent } from '../support/gateway.ts';
import { openJar, signInByPage } from '../support/sign-in.ts';
import { useGateway } from '../support/use-gateway.ts';

const WHO = '/api/2.0/mlflow/users/current';
const LIST = '/api/2.0/mlflow/users/sessions/list';

describe('a session', () => {
  const { gateway, upstream, admin } = useGateway({ fake: true });

  test('begins with a right password, and is the user on /api and on pages', async () => {
    const alice = await gateway.person('alice');
    const jar = openJar(gateway);
    const answer = await jar.submit('/auth/sign-in?next=%2Fx%3Fa%3D1', alice);
    expect([answer.status, answer.headers['location']]).toEqual([303, '/x?a=1']);
    const [session] = [answer.headers['set-cookie'] ?? []].flat();
    expect(session).toMatch(/^mlflow-gateway=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/);
    const { json } = await jar.send('GET', WHO);
    expect(json).toMatchObject({
      user: { username: alice.username, must_change_password: false },
      credential: { kind: 'session', scope: null },
    });
    expect((await jar.send('POST', '/api/2.0/mlflow/experiments/search', { json: {} })).status).toBe(200);
    expect(upstream.arrived.at(-1)?.headers['cookie']).toBeUndefined();
  });

  test('is of a new id at each sign-in, whatever cookie the browser brought; the former one ends', async () => {
    const alice = await gateway.person('alice');
    const jar = openJar(gateway);
    const planted = 'A'.repeat(43);
    await jar.submit('/auth/sign-in', alice, { headers: { cookie: `mlflow-gateway=${planted}` } });
    expect(jar.session).toBeUndefined();
    await jar.submit('/auth/sign-in', alice);
    const first = jar.session;
    const former = jar.header;
    await jar.submit('/auth/sign-in', alice);
    expect(jar.session).not.toBe(first);
    expect((await gateway.anonymous.get(WHO, { headers: { cookie: former } })).status).toBe(401);
    expect((await jar.send('GET', WHO)).status).toBe(200);
  });

  test('a stolen cookie is worth nothing after sign-out', async () => {
    const jar = await signInByPage(gateway, await gateway.person('alice'));
    const stolen = { headers: { cookie: jar.header } };
    expect((await gateway.anonymous.get(WHO, stolen)).status).toBe(200);
    const out = await jar.send('POST', '/auth/sign-out');
    expect([out.status, out.headers['location']]).toEqual([303, '/auth/sign-in']);
    expect(jar.session).toBeUndefined();
    expect((await gateway.anonymous.get(WHO, stolen)).status).toBe(401);
  });

  test('is listed to its user and to an admin, and ended by either, but by nobody else', async () => {
    const [alice, bob] = [await gateway.person('alice'), await gateway.person('bob')];
    const [one, other] = [await signInByPage(gateway, alice), await signInByPage(gateway, alice)];
    const { json } = await one.send('GET', LIST, { headers: { 'user-agent': 'a browser' } });
    expect(json.sessions).toEqual([
      expect.objectContaining({ username: alice.username, ip: '127.0.0.1', is_current: true }),
      expect.objectContaining({ username: alice.username, is_current: false }),
    ]);
    const [current, second] = json.sessions;
    expect(Object.keys(current).toSorted()).toEqual([
      'created_at',
      'expires_at',
      'ip',
      'is_current',
      'last_used_at',
      'session_id',
      'user_agent',
      'username',
    ]);
    const remove = { json: { session_id: second.session_id } };
    expect((await bob.get(`${LIST}?username=${alice.username}`)).status).toBe(403);
    expect((await bob.send('DELETE', '/api/2.0/mlflow/users/sessions/delete', remove)).status).toBe(404);
    expect((await other.send('GET', WHO)).status).toBe(200);
    expect((await one.send('DELETE', '/api/2.0/mlflow/users/sessions/delete', remove)).status).toBe(200);
    expect((await other.send('GET', WHO)).status).toBe(401);
    const all = (await admin.get(LIST)).json.sessions.map((each: { session_id: string }) => each.session_id);
    expect(all).toContain(current.session_id);
    const last = { json: { session_id: current.session_id } };
    expect((await admin.send('DELETE', '/ajax-api/2.0/mlflow/users/sessions/delete', last)).status).toBe(200);
    expect((await one.send('GET', WHO)).status).toBe(401);
  });

  test('Authorization beside it decides alone', async () => {
    const [alice, bob] = [await gateway.person('alice'), await gateway.person('bob')];
    const { header: cookie } = await signInByPage(gateway, alice);
    expect((await bob.get(WHO, { headers: { cookie } })).json.user.username).toBe(bob.username);
    for (const authorization of ['', 'Basic', 'Basic eDp5', 'Bearer x', 'Digest x', 'nothing']) {
      const { status } = await gateway.anonymous.get(WHO, { headers: { cookie, authorization } });
      expect([authorization, status]).toEqual([authorization, 401]);
    }
  });

  test('two cookies of its name, and one of the name for https, are no session', async () => {
    const { session, header: cookie } = await signInByPage(gateway, await gateway.person('alice'));
    for (const sent of [
      `mlflow-gateway=${'A'.repeat(43)}; ${cookie}`,
      `${cookie}; mlflow-gateway=${'A'.repeat(43)}`,
      `__Host-mlflow-gateway=${session}`,
      `MLFLOW-GATEWAY=${session}`,
      `mlflow-gateway="${session}"`,
      `mlflow-gateway=${session}=`,
      `x-mlflow-gateway=${session}`,
    ]) {
      expect([sent, (await gateway.anonymous.get(WHO, { headers: { cookie: sent } })).status]).toEqual([
        sent,
        401,
      ]);
    }
  });

  test('a changed password ends all sessions but the one that changed it, and a reset ends all', async () => {
    const alice = await gateway.person('alice');
    const [one, other] = [await signInByPage(gateway, alice), await signInByPage(gateway, alice)];
    const password = 'quite another password';
    const change = { username: alice.username, password, current_password: alice.password };
    const send = (json: unknown) => one.send('PATCH', '/api/2.0/mlflow/users/update-password', { json });
    expect((await send({ username: alice.username, password })).status).toBe(400);
    expect((await send(change)).status).toBe(200);
    expect((await one.send('GET', WHO)).status).toBe(200);
    expect((await other.send('GET', WHO)).status).toBe(401);
    const reset = { username: alice.username, password: 'set by somebody else' };
    expect((await admin.patch('/api/2.0/mlflow/users/update-password', reset)).status).toBe(200);
    expect((await one.send('GET', WHO)).status).toBe(401);
  });

  test('that begins with a password while that is changed, or while its user is disabled, does not outlive it', async () => {
    const ends: readonly (readonly [string, string, object])[] = [
      ['PATCH', '/api/2.0/mlflow/users/update-password', { password: 'set by somebody else' }],
      ['PATCH', '/api/2.0/mlflow/users/update-status', { is_active: false }],
    ];
    for (const [method, path, change] of ends) {
      for (let round = 0; round < 10; round += 1) {
        const alice = await gateway.person('alice');
        const jar = openJar(gateway);
        await Promise.all([
          jar.submit('/auth/sign-in', alice),
          // At another moment of the sign-in each time.
          new Promise((later) => setTimeout(later, round)).then(() =>
            admin.send(method, path, { json: { username: alice.username, ...change } }),
          ),
        ]);
        expect([path, round, (await jar.send('GET', WHO)).status]).toEqual([path, round, 401]);
      }
    }
  });

  test('ends when its user is disabled, for good, and when the user is deleted', async () => {
    const alice = await gateway.person('alice');
    const jar = await signInByPage(gateway, alice);
    const status = (is_active: boolean) =>
      admin.patch('/api/2.0/mlflow/users/update-status', { username: alice.username, is_active });
    await status(false);
    expect((await jar.send('GET', WHO)).status).toBe(401);
    await status(true);
    expect((await jar.send('GET', WHO)).status).toBe(401);
    const again = await signInByPage(gateway, alice);
    await admin.delete('/api/2.0/mlflow/users/delete', { username: alice.username });
    expect((await again.send('GET', WHO)).status).toBe(401);
  });

  test('is in the audit log from its beginning to its end, and its secret is nowhere', async () => {
    const alice = await gateway.person('alice');
    const jar = await signInByPage(gateway, alice);
    const { session = '' } = jar;
    const [{ session_id: id }] = (await jar.send('GET', LIST)).json.sessions;
    await jar.send('POST', '/auth/sign-out');
    await openJar(gateway).submit('/auth/sign-in', { username: alice.username, password: 'wrong' });
    const entries = async () =>
      (await admin.get(`/api/2.0/mlflow/audit/search?username=${alice.username}`)).json.entries;
    await expect.poll(async () => (await entries()).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(3);
    const [failed, out, signedIn] = await entries();
    expect(failed).toMatchObject({ action: 'sign_in', allowed: false, status: 401, path: '/auth/sign-in' });
    expect(out).toMatchObject({
      ...{ action: 'sign_out', allowed: true, credential: { kind: 'session', id } },
      change: { before: { session_id: id }, after: null },
    });
    expect(signedIn).toMatchObject({
      ...{ action: 'sign_in', allowed: true, credential: { kind: 'password', id: null } },
      change: { before: null, after: { session_id: id } },
    });
    const all = JSON.stringify([gateway.log, await entries()]);
    expect(all).not.toContain(session);
    expect(all).not.toContain(alice.password);
    expect(session).toHaveLength(43);
  });
});

describe('behind a proxy', () => {
  const { gateway } = useGateway({ fake: true, settings: { trusted_proxies: '127.0.0.1' } });
  const https = { headers: { 'x-forwarded-proto': 'https' } };

  test('that says https, the cookie is of this host, of https and of nothing else', async () => {
    const alice = await gateway.person('alice');
    const jar = openJar(gateway);
    const send = (method: string, path: string, sent: Sent = {}) =>
      jar.send(method, path, { ...sent, headers: { ...https.headers, ...sent.headers } });
    const { text } = await send('GET', '/auth/sign-in');
    const [, token = ''] = /name="csrf_token" value="([^"]*)"/.exec(text) ?? [];
    const fields = { username: alice.username, password: alice.password, csrf_token: token };
    const answer = await send('POST', '/auth/sign-in', {
      raw: new URLSearchParams(fields).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    const [cookie = ''] = [answer.headers['set-cookie'] ?? []].flat();
    expect(cookie).toMatch(/^__Host-mlflow-gateway=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    expect((await send('GET', WHO)).status).toBe(200);
    expect((await jar.send('GET', WHO)).status).toBe(401);
    const plain = { headers: { ...https.headers, cookie: `mlflow-gateway=${jar.session}` } };
    expect((await gateway.anonymous.get(WHO, plain)).status).toBe(401);
  });

  test('what a session is answered is kept by no cache that is shared', async () => {
    const jar = await signInByPage(gateway, await gateway.person('alice'));
    for (const path of [WHO, '/', '/get-artifact?run_id=1&path=x', '/auth/password']) {
      expect(String((await jar.get(path)).headers['cache-control'])).toMatch(/private|no-store/);
    }
  });
});

describe('a form that cannot be read', () => {
  const { gateway } = useGateway({ fake: true });

  test.each([
    ['a zero character', 'username=a%00b&password=x'],
    ['nothing', ''],
    ['another form', '{"username":"admin"}'],
    ['a field twice', 'username=a&username=b&password=x&csrf_token=x&csrf_token=y'],
    ['very much', `username=${'x'.repeat(20_000)}`],
  ])('with %s signs nobody in, and is no failure of the gateway', async (_what, raw) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await gateway.anonymous.send('POST', '/auth/sign-in', { raw, headers });
    expect([400, 413]).toContain(answer.status);
    expect(answer.headers['set-cookie'] ?? []).not.toContain('mlflow-gateway=');
  });
});

describe('two gateways on one store', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sessions-'));
  const database_uri = `sqlite:///${join(dir, 'gateway.db')}`;
  const { gateway, admin, another } = useGateway({
    fake: true,
    settings: async () => ({ database_uri, metrics_port: String(await freePort()) }),
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  /** How many queries the store has answered. */
  async function queries(): Promise<number> {
    const text = await (await fetch(`${gateway.server.metricsUrl}/metrics`)).text();
    return Number(/^mlflow_gateway_store_duration_seconds_count (\d+)$/m.exec(text)?.[1]);
  }

  test('share sessions, and what ends one in either ends it in both on the next request', async () => {
    const other = await another({ database_uri });
    const alice = await gateway.person('alice');
    const ways: readonly (readonly [string, (cookie: string) => Promise<unknown>])[] = [
      ['sign-out', (cookie) => other.anonymous.send('POST', '/auth/sign-out', { headers: { cookie } })],
      [
        'an admin',
        async () => {
          const { json } = await admin.get(`${LIST}?username=${alice.username}`);
          for (const { session_id } of json.sessions) {
            await admin.delete('/api/2.0/mlflow/users/sessions/delete', { session_id });
          }
        },
      ],
      [
        'a password',
        () =>
          other.as(admin.username, admin.password).patch('/api/2.0/mlflow/users/update-password', {
            username: alice.username,
            password: alice.password,
          }),
      ],
    ];
    for (const [what, end] of ways) {
      const { header: cookie } = await signInByPage(gateway, alice);
      const asked = async () => [
        (await gateway.anonymous.get(WHO, { headers: { cookie } })).status,
        (await other.anonymous.get(WHO, { headers: { cookie } })).status,
      ];
      expect([what, await asked()]).toEqual([what, [200, 200]]);
      await end(cookie);
      expect([what, await asked()]).toEqual([what, [401, 401]]);
    }
  });

  test('a flood of made-up tokens and sessions is looked up fifty times a second at most, and hides no token that was just made', async () => {
    const other = await another({ database_uri });
    const alice = await gateway.person('alice');
    const before = await queries();
    const begun = performance.now();
    const flood = Array.from({ length: 1000 }, (_, index) =>
      gateway.anonymous.get(WHO, {
        headers:
          index % 2 === 0
            ? { cookie: `mlflow-gateway=${makeSessionSecret(randomBytes)}` }
            : { authorization: `Bearer ${makeSecret(randomBytes)}` },
      }),
    );
    const made = await other
      .as(alice.username, alice.password)
      .post('/api/2.0/mlflow/users/tokens/create', { name: 'just made' });
    const headers = { authorization: `Bearer ${made.json.secret}` };
    expect((await gateway.anonymous.get(WHO, { headers })).status).toBe(200);
    expect(new Set((await Promise.all(flood)).map(({ status }) => status))).toEqual(new Set([401]));
    const asked = (await queries()) - before;
    expect(asked).toBeGreaterThan(0);
    // Those of tokens and those of sessions, with a few of other things.
    expect(asked).toBeLessThan(2 * ((performance.now() - begun) / 20) + 60);
  });
});
