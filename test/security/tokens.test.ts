/**
 * Tokens prove who their user is for as long as they are good, in every process, and are no more than their user or
 * their maker.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { grantOn, startGateway, type TestGateway, unique } from '../support/gateway.ts';
import { byHeader, byToken, makeToken, TOKENS } from '../support/tokens.ts';
import { useGateway } from '../support/use-gateway.ts';

const A2 = '/api/2.0/mlflow';
const CURRENT = `${A2}/users/current`;
const DAY = 86_400_000;

const { gateway, upstream, alice, another } = useGateway({ fake: true, people: ['alice'] });

const as = (secret: string, at = gateway) => byToken(at.url, secret);
const basic = (username: string, password: string) =>
  byHeader(
    gateway.url,
    'authorization',
    `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
  );

async function startTwo(): Promise<readonly [TestGateway, TestGateway]> {
  const dir = mkdtempSync(join(tmpdir(), 'tokens-'));
  const shared = { database_uri: `sqlite:///${join(dir, 'gateway.db')}` };
  const [one, two] = [await startGateway(upstream.uri, shared), await startGateway(upstream.uri, shared)];
  onTestFinished(async () => {
    await one.close();
    await two.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return [one, two];
}

describe('a token', () => {
  test('is its user, as a bearer and as the password beside the name of its user', async () => {
    const { token, secret } = await makeToken(alice, { name: 'laptop' });
    expect(token).toEqual({
      token_id: expect.any(String),
      name: 'laptop',
      username: alice.username,
      prefix: secret.slice(0, 9),
      scope: null,
      created_at: expect.any(Number),
      expires_at: token.created_at + 90 * DAY,
      last_used_at: null,
      created_by: alice.username,
    });
    const expected = {
      status: 200,
      json: {
        user: { username: alice.username },
        credential: { kind: 'token', id: token.token_id, scope: null, expires_at: token.expires_at },
      },
    };
    expect(await as(secret).get(CURRENT)).toMatchObject(expected);
    expect(await basic(alice.username, secret).get(CURRENT)).toMatchObject(expected);
    expect(await byHeader(gateway.url, 'authorization', `bearer  ${secret}`).get(CURRENT)).toMatchObject(
      expected,
    );
  });

  test('beside the name of another is nobody', async () => {
    const { secret } = await makeToken(alice);
    const bob = await gateway.person('bob');
    for (const name of [bob.username, 'admin', alice.username.toUpperCase(), `${alice.username} `, '']) {
      expect((await basic(name, secret).get(CURRENT)).status, name).toBe(401);
    }
  });

  test('is not told from any other text by a look-up if it is mistyped, and the caller is told', async () => {
    const { secret } = await makeToken(alice);
    const wrong = `${secret.slice(0, -1)}${secret.endsWith('x') ? 'y' : 'x'}`;
    for (const who of [as(wrong), as(secret.slice(0, 20)), basic(alice.username, wrong)]) {
      const answer = await who.get(CURRENT);
      expect(answer).toMatchObject({ status: 401, json: { error_code: 'UNAUTHENTICATED' } });
      expect(answer.json.message).toContain('a character is wrong or missing');
      expect(answer.headers['www-authenticate']).toMatch(/^Basic realm="mlflow"/);
    }
    expect((await gateway.admin.get(`${A2}/users/lockouts/list`)).json.lockouts).toEqual([]);
  });

  test('goes on when the password changes, and is refused while its user is disabled', async () => {
    const bob = await gateway.person('bob');
    const { secret } = await makeToken(bob);
    await gateway.admin.patch(`${A2}/users/update-password`, {
      username: bob.username,
      password: 'chosen by an admin, to be changed',
      must_change_password: true,
    });
    expect((await bob.get(CURRENT)).status).toBe(401);
    expect((await as(secret).get(CURRENT)).json.user).toMatchObject({ must_change_password: false });
    const setActive = (is_active: boolean) =>
      gateway.admin.patch(`${A2}/users/update-status`, { username: bob.username, is_active });
    await setActive(false);
    expect((await as(secret).get(CURRENT)).status).toBe(401);
    await setActive(true);
    expect((await as(secret).get(CURRENT)).status).toBe(200);
    await gateway.admin.delete(`${A2}/users/delete`, { username: bob.username });
    expect((await as(secret).get(CURRENT)).status).toBe(401);
    await gateway.admin.post(`${A2}/users/create`, { username: bob.username, password: bob.password });
    expect((await as(secret).get(CURRENT)).status).toBe(401);
  });

  test('is refused on the next request in every process, once it is deleted or rotated', async () => {
    const [one, two] = await startTwo();
    const bob = await one.person('bob');
    const first = await makeToken(bob);
    const second = await makeToken(bob);
    expect((await as(first.secret, two).get(CURRENT)).status).toBe(200);
    expect((await as(second.secret, two).get(CURRENT)).status).toBe(200);
    await bob.delete(`${TOKENS}/delete`, { token_id: first.token.token_id });
    expect((await as(first.secret, two).get(CURRENT)).status).toBe(401);
    const rotated = (await bob.post(`${TOKENS}/rotate`, { token_id: second.token.token_id })).json;
    expect((await as(second.secret, two).get(CURRENT)).status).toBe(401);
    expect((await as(rotated.secret, two).get(CURRENT)).status).toBe(200);
    expect((await as(rotated.secret, one).get(CURRENT)).status).toBe(200);
  });

  test('never lets a service account in with a password, and lets it in itself', async () => {
    const username = unique('robot');
    await gateway.admin.post(`${A2}/users/create`, { username, is_service: true });
    const { secret } = await makeToken(gateway.admin, { username });
    expect((await as(secret).get(CURRENT)).json.user).toMatchObject({ username, is_service: true });
    const chosen = { username, password: 'a password for a machine', current_password: '!' };
    expect((await as(secret).patch(`${A2}/users/update-password`, chosen)).status).toBe(400);
    expect((await gateway.as(username, '!').get(CURRENT)).status).toBe(401);
  });

  test('does not change the password of its user without the current one', async () => {
    const bob = await gateway.person('bob');
    const { secret } = await makeToken(bob);
    const chosen = { username: bob.username, password: 'chosen by whoever has the token' };
    // A client that is never asked for the current password.
    const old = { headers: { 'user-agent': 'mlflow-python-client/2.15.1' } };
    const changed = await as(secret).send('PATCH', `${A2}/users/update-password`, { json: chosen, ...old });
    expect(changed).toMatchObject({ status: 400, text: expect.stringContaining('Current password') });
    expect((await bob.get(CURRENT)).status).toBe(200);
    expect((await bob.send('PATCH', `${A2}/users/update-password`, { json: chosen, ...old })).status).toBe(
      200,
    );
  });

  test('is no key that goes on to a provider beside credentials of its own', async () => {
    const { secret } = await makeToken(gateway.admin);
    const beside = { headers: { 'x-mlflow-authorization': `Bearer ${secret}` } };
    await as(secret).send('POST', '/gateway/mlflow/v1/chat/completions', { json: { model: 'm' }, ...beside });
    const [arrived] = upstream.arrived.filter(({ url }) => url.startsWith('/gateway/')).slice(-1);
    expect(arrived?.url).toBe('/gateway/mlflow/v1/chat/completions');
    expect(JSON.stringify(arrived?.headers)).not.toContain('mlag_');
  });
});

describe('how long it lives', () => {
  test.each([
    ['nothing', undefined, 90 * DAY],
    ['null', null, 90 * DAY],
    ['an hour', 3600, 3_600_000],
    ['the most that the settings allow', 365 * 86_400, 365 * DAY],
  ])('is what is asked for: %s', async (_what, expires_in_seconds, life) => {
    const { token } = await makeToken(alice, { expires_in_seconds });
    expect(token.expires_at).toBe(token.created_at + life);
  });

  test.each([0, -1, 365 * 86_400 + 1, 1.5, '3600', true, Number.MAX_SAFE_INTEGER, 1e300, [], {}])(
    'is not %j seconds',
    async (expires_in_seconds) => {
      expect(await alice.post(`${TOKENS}/create`, { name: 'a token', expires_in_seconds })).toMatchObject({
        status: 400,
        json: { error_code: 'INVALID_PARAMETER_VALUE' },
      });
    },
  );

  test('has no end only where the settings allow that', async () => {
    const free = await another({ token_max_days: '0' });
    const { token, secret } = await makeToken(free.admin, { expires_in_seconds: 0 });
    expect(token.expires_at).toBeNull();
    expect((await as(secret, free).get(CURRENT)).status).toBe(200);
    expect((await makeToken(free.admin)).token.expires_at).not.toBeNull();
    const { json } = await free.admin.post(`${TOKENS}/rotate`, { token_id: token.token_id });
    expect(json.token.expires_at).toBeNull();
  });

  test('is cut to the settings where its maker does not say', async () => {
    const strict = await another({ token_max_days: '7' });
    const { token } = await makeToken(strict.admin);
    expect(token.expires_at).toBe(token.created_at + 7 * DAY);
  });

  test('is as long again after it is rotated, and all else is the same', async () => {
    const { token, secret } = await makeToken(alice, { expires_in_seconds: 3600, scope: { access: 'read' } });
    const rotated = (await alice.post(`${TOKENS}/rotate`, { token_id: token.token_id })).json;
    expect(rotated.secret).not.toBe(secret);
    expect(rotated.token).toMatchObject({ token_id: token.token_id, name: token.name, scope: token.scope });
    expect(rotated.token.expires_at - rotated.token.created_at).toBe(3_600_000);
    expect((await as(secret).get(CURRENT)).status).toBe(401);
    expect((await as(rotated.secret).get(CURRENT)).status).toBe(200);
  });
});

describe('a token that makes tokens', () => {
  test('makes and rotates none that outlives it, but lives itself until it ends', async () => {
    const long = await makeToken(alice, { expires_in_seconds: 7200 });
    const short = await makeToken(alice, { expires_in_seconds: 3600 });
    const by = as(short.secret);
    const make = (more: object) => by.post(`${TOKENS}/create`, { name: 'child', ...more });
    expect(await make({ expires_in_seconds: 3601 })).toMatchObject({
      status: 403,
      json: { message: expect.stringContaining('outlives') },
    });
    expect((await make({})).json.token.expires_at).toBe(short.token.expires_at);
    expect((await make({ expires_in_seconds: 60 })).status).toBe(200);
    expect((await by.post(`${TOKENS}/rotate`, { token_id: long.token.token_id })).status).toBe(403);
    expect((await as(long.secret).get(CURRENT)).status).toBe(200);
    const itself = await by.post(`${TOKENS}/rotate`, { token_id: short.token.token_id });
    expect(itself.json.token.expires_at).toBe(short.token.expires_at);
    expect((await by.get(CURRENT)).status).toBe(401);
    expect((await as(itself.json.secret).get(CURRENT)).status).toBe(200);
  });

  test.each<[scope: unknown, wider: unknown[], narrower: unknown[]]>([
    [
      { resources: [{ resource_type: 'experiment', resource_id: '7' }] },
      [
        null,
        undefined,
        { access: 'read' },
        { resources: [{ resource_type: 'experiment', resource_id: '8' }] },
        { resources: [{ resource_type: 'experiment', resource_id: '*' }] },
        {
          resources: [
            { resource_type: 'experiment', resource_id: '7' },
            { resource_type: 'prompt', resource_id: '7' },
          ],
        },
      ],
      [
        { resources: [{ resource_type: 'experiment', resource_id: '7' }] },
        { access: 'read', resources: [{ resource_type: 'experiment', resource_id: '7' }] },
        { resources: [{ resource_type: 'scorer', resource_id: '7/judge' }] },
      ],
    ],
    [
      { resources: [{ resource_type: 'registered_model', resource_id: '*' }] },
      [
        { resources: [{ resource_type: 'prompt', resource_id: '*' }] },
        { resources: [{ resource_type: 'prompt', resource_id: 'greeting' }] },
        { resources: [{ resource_type: 'registered_model', resource_id: 'churn' }] },
      ],
      [{ resources: [{ resource_type: 'registered_model', resource_id: '*' }] }],
    ],
  ])('%j makes none that may do more', async (scope, wider, narrower) => {
    const by = as((await makeToken(alice, { scope })).secret);
    for (const each of wider) {
      const { status } = await by.post(`${TOKENS}/create`, { name: 'child', scope: each });
      expect(status, JSON.stringify(each)).toBe(403);
    }
    for (const each of narrower) {
      const { status, text } = await by.post(`${TOKENS}/create`, { name: 'child', scope: each });
      expect(status, text).toBe(200);
    }
  });

  test('that is for reading makes, rotates and deletes none, itself neither', async () => {
    const { token, secret } = await makeToken(alice, { scope: { access: 'read' } });
    const scope = { access: 'read' };
    expect((await as(secret).post(`${TOKENS}/create`, { name: 'child', scope })).status).toBe(403);
    expect((await as(secret).post(`${TOKENS}/rotate`, { token_id: token.token_id })).status).toBe(403);
    expect((await as(secret).delete(`${TOKENS}/delete`, { token_id: token.token_id })).status).toBe(403);
    expect((await as(secret).get(`${TOKENS}/list`)).status).toBe(200);
  });

  test('that is confined knows of no other than those within itself', async () => {
    const bob = await gateway.person('bob');
    const on = (...ids: string[]) => ({
      resources: ids.map((id) => ({ resource_type: 'experiment', resource_id: id })),
    });
    const seven = await makeToken(bob, { scope: on('7') });
    const more = await makeToken(bob, { scope: on('7', '8') });
    const all = await makeToken(bob);
    const by = as(seven.secret);
    const listed = (await by.get(`${TOKENS}/list`)).json.tokens;
    expect(listed.map(({ token_id }: { token_id: string }) => token_id)).toEqual([seven.token.token_id]);
    for (const { token } of [more, all]) {
      expect((await by.post(`${TOKENS}/rotate`, { token_id: token.token_id })).status).toBe(404);
      expect((await by.delete(`${TOKENS}/delete`, { token_id: token.token_id })).status).toBe(404);
    }
    expect((await by.delete(`${TOKENS}/delete`, { token_id: seven.token.token_id })).status).toBe(200);
    expect((await by.get(CURRENT)).status).toBe(401);
  });

  test('that is confined does nothing that is about none of its things, its user neither', async () => {
    const bob = await gateway.person('bob');
    const scope = { resources: [{ resource_type: 'experiment', resource_id: '7' }] };
    const by = as((await makeToken(bob, { scope })).secret);
    expect((await bob.get(`${A2}/users/get?username=${bob.username}`)).status).toBe(200);
    expect((await by.get(`${A2}/users/get?username=${bob.username}`)).status).toBe(403);
    const password = {
      username: bob.username,
      password: 'chosen by a token',
      current_password: bob.password,
    };
    expect((await by.patch(`${A2}/users/update-password`, password)).status).toBe(403);
    expect((await by.post(`${A2}/artifacts/presigned-upload-url`, {})).status).toBe(403);
    expect((await bob.get(CURRENT)).status).toBe(200);
  });

  test('that is an admin’s and scoped is no admin, and manages nobody', async () => {
    const { secret } = await makeToken(gateway.admin, { scope: { access: 'read' } });
    const by = as(secret);
    expect((await by.get(CURRENT)).json.user).toMatchObject({ username: 'admin', is_admin: false });
    expect((await by.get('/api/3.0/mlflow/users/current/permissions')).json.is_admin).toBe(false);
    for (const path of ['users', `users/get?username=${alice.username}`, 'audit/search', 'status']) {
      expect((await by.get(`${A2}/${path}`)).status, path).toBe(403);
    }
    expect((await by.get(`${TOKENS}/list?username=${alice.username}`)).status).toBe(403);
    const names = (await by.get(`${TOKENS}/list`)).json.tokens.map(
      ({ username }: { username: string }) => username,
    );
    expect(new Set(names)).toEqual(new Set(['admin']));
    expect((await by.get(`${A2}/experiments/get?experiment_id=7`)).status).toBe(403);
  });
});

describe('other users’ tokens', () => {
  test('are nobody’s but an admin’s to make, see, rotate and delete', async () => {
    const [bob, eve] = [await gateway.person('bob'), await gateway.person('eve')];
    const { token, secret } = await makeToken(bob);
    expect((await eve.post(`${TOKENS}/create`, { name: 'x', username: bob.username })).status).toBe(403);
    expect((await eve.get(`${TOKENS}/list?username=${bob.username}`)).status).toBe(403);
    expect((await eve.get(`${TOKENS}/list`)).json.tokens).toEqual([]);
    for (const [method, path] of [
      ['POST', 'rotate'],
      ['DELETE', 'delete'],
    ] as const) {
      const others = await eve.send(method, `${TOKENS}/${path}`, { json: { token_id: token.token_id } });
      const nobodys = await eve.send(method, `${TOKENS}/${path}`, { json: { token_id: 'no-such-token' } });
      expect([others.status, nobodys.status]).toEqual([404, 404]);
      expect(others.text.replace(token.token_id, '')).toBe(nobodys.text.replace('no-such-token', ''));
    }
    const { admin } = gateway;
    expect((await admin.get(`${TOKENS}/list?username=${bob.username}`)).json.tokens).toMatchObject([
      { token_id: token.token_id },
    ]);
    expect((await admin.post(`${TOKENS}/rotate`, { token_id: token.token_id })).json.token).toMatchObject({
      username: bob.username,
      created_by: bob.username,
    });
    expect((await as(secret).get(CURRENT)).status).toBe(401);
    expect((await admin.delete(`${TOKENS}/delete`, { token_id: token.token_id })).json).toEqual({});
    expect((await admin.post(`${TOKENS}/create`, { name: 'x', username: 'nobody-at-all' })).status).toBe(404);
  });

  test('are listed a page at a time, an admin’s list holding everybody’s', async () => {
    const bob = await gateway.person('bob');
    const made = [];
    for (let index = 0; index < 5; index += 1) {
      made.push((await makeToken(bob, { name: `token ${index}` })).token.token_id);
    }
    const seen: string[] = [];
    let token = '';
    do {
      const page: { tokens: { token_id: string }[]; next_page_token?: string } = (
        await bob.get(`${TOKENS}/list?max_results=2&page_token=${encodeURIComponent(token)}`)
      ).json;
      expect(page.tokens.length).toBeLessThanOrEqual(2);
      seen.push(...page.tokens.map(({ token_id }) => token_id));
      token = page.next_page_token ?? '';
    } while (token !== '');
    expect(seen).toEqual(made);
    const all = (await gateway.admin.get(`/ajax-api/2.0/mlflow/users/tokens/list?max_results=1000`)).json
      .tokens;
    expect(new Set(all.map(({ username }: { username: string }) => username)).size).toBeGreaterThan(1);
  });
});

test.each([
  ['an unknown key', { access: 'read', until: 'tomorrow' }],
  ['an unknown key of a resource', { resources: [{ resource_type: 'experiment', resource_id: '7', x: 1 }] }],
  ['nothing', {}],
  ['no resources', { resources: [] }],
  ['no resources beside reading', { access: 'read', resources: [] }],
  ['another access', { access: 'write' }],
  ['null for access', { access: null }],
  ['no resource_id', { resources: [{ resource_type: 'experiment' }] }],
  ['an empty id', { resources: [{ resource_type: 'experiment', resource_id: '' }] }],
  ['a number for an id', { resources: [{ resource_type: 'experiment', resource_id: 7 }] }],
  ['an id in another spelling', { resources: [{ resource_type: 'experiment', resource_id: '07' }] }],
  ['the workspace, which is everything', { resources: [{ resource_type: 'workspace', resource_id: '*' }] }],
  ['a kind that holds no grants', { resources: [{ resource_type: 'run', resource_id: '*' }] }],
  ['a text', 'read'],
  ['a list', ['read']],
  ['yes', true],
])('a scope is not %s', async (_what, scope) => {
  const { status, json } = await alice.post(`${TOKENS}/create`, { name: 'a token', scope });
  expect(status).toBe(400);
  expect(json.message).toMatch(/^Invalid value for parameter 'scope/);
});

test.each(['', ' ', 'a\nb', 'x'.repeat(256), 7, null])('a name is not %j', async (name) => {
  expect((await alice.post(`${TOKENS}/create`, { name })).status).toBe(400);
});

test('a name or a life that is refused, and what a token is made with, say so', async () => {
  const { json } = await alice.post(`${TOKENS}/create`, {});
  expect(json).toEqual({
    error_code: 'INVALID_PARAMETER_VALUE',
    message: expect.stringContaining("required parameter 'name'"),
  });
});

test('a token that is sent in a URL is refused whatever the address, and nowhere logged', async () => {
  const { secret } = await makeToken(alice);
  const spelled = secret.replace('mlag', '%6Dlag').replace('_', '%5f');
  for (const target of [
    `/?token=${secret}`,
    `${A2}/experiments/search?filter=${secret}&max_results=1`,
    `${CURRENT}?access_token=Bearer%20${spelled}`,
    `${A2}/runs/get?${secret}`,
    `/unknown/${secret}`,
    `/health?x=${secret}`,
  ]) {
    const answer = await as(secret).get(target);
    expect(answer).toMatchObject({ status: 400, json: { error_code: 'INVALID_PARAMETER_VALUE' } });
    expect(answer.text).toContain('must not stand in a URL');
    expect(answer.text).not.toContain(secret);
  }
  expect(JSON.stringify(gateway.log)).not.toContain(secret.slice(10));
});

test('no secret is in the store, the log or the audit log, and none is shown twice', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'tokens-'));
  const own = await startGateway(upstream.uri, { database_uri: `sqlite:///${join(dir, 'gateway.db')}` });
  onTestFinished(async () => {
    await own.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const { token, secret } = await makeToken(own.admin);
  await as(secret, own).get(CURRENT);
  await as(`${secret}x`, own).get(CURRENT);
  await byHeader(own.url, 'authorization', `Basic ${Buffer.from(`${secret}:`).toString('base64')}`).get(
    CURRENT,
  );
  const rotated = (await own.admin.post(`${TOKENS}/rotate`, { token_id: token.token_id })).json;
  await own.admin.delete(`${TOKENS}/delete`, { token_id: token.token_id });
  const found = async () =>
    (await own.admin.get(`${A2}/audit/search?action=sign_in&allowed=false`)).json.entries.length;
  await expect.poll(found, { timeout: 3000 }).toBe(2);
  const all = (await own.admin.get(`${A2}/audit/search`)).text;
  const listed = (await own.admin.get(`${TOKENS}/list`)).text;
  const files = readdirSync(dir).map((name) => readFileSync(join(dir, name), 'latin1'));
  for (const shown of [secret, rotated.secret]) {
    for (const text of [all, listed, JSON.stringify(own.log), ...files]) {
      expect(text).not.toContain(shown.slice(10));
    }
  }
});

test('who made, rotated and deleted what is in the audit log, and by which token', async () => {
  const bob = await gateway.person('bob');
  const scope = { resources: [{ resource_type: 'experiment', resource_id: '7' }] };
  const { token: own, secret } = await makeToken(bob);
  const { json } = await as(secret).post(`${TOKENS}/create`, {
    name: 'child',
    scope,
    expires_in_seconds: 60,
  });
  const child = { token_id: json.token.token_id };
  await as(secret).post(`${TOKENS}/rotate`, child);
  await as(secret).delete(`${TOKENS}/delete`, child);
  const query = `resource_type=token&resource_id=${child.token_id}`;
  const { entries } = (await gateway.admin.get(`${A2}/audit/search?${query}`)).json;
  const credential = { kind: 'token', id: own.token_id };
  const told = { ...child, username: bob.username, name: 'child', scope };
  expect(entries).toMatchObject([
    { action: 'delete_token', username: bob.username, credential, change: { before: told, after: null } },
    { action: 'rotate_token', credential, change: { before: told, after: told } },
    { action: 'create_token', credential, change: { before: null, after: told } },
  ]);
  expect(entries[1].resources).toContainEqual({ resource_type: 'user', resource_id: bob.username });
  await as(secret).get(`${A2}/experiments/get?experiment_id=7`);
  await expect
    .poll(() =>
      gateway.log.findLast(({ user, row }) => user === bob.username && row === 'GET 2.0 experiments/get'),
    )
    .toMatchObject({ credential });
});

test('when it was last used is told, and a revoked one is used no more', async () => {
  const { token, secret } = await makeToken(alice);
  const used = async (): Promise<number | null> =>
    (await alice.get(`${TOKENS}/list?max_results=1000`)).json.tokens.find(
      ({ token_id }: { token_id: string }) => token_id === token.token_id,
    ).last_used_at;
  expect(await used()).toBeNull();
  await as(secret).get(CURRENT);
  await expect.poll(used, { timeout: 5000 }).toBeGreaterThanOrEqual(token.created_at);
  const first = await used();
  await as(secret).get(CURRENT);
  await gateway.admin.get(CURRENT);
  expect(await used()).toBe(first);
});

test('a service account may be an admin, but is not the one who keeps the gateway open', async () => {
  const own = await another();
  const username = 'robot';
  await own.admin.post(`${A2}/users/create`, { username, is_service: true });
  expect((await own.admin.patch(`${A2}/users/update-admin`, { username, is_admin: true })).status).toBe(200);
  const { secret } = await makeToken(own.admin, { username });
  const by = byToken(own.url, secret);
  expect((await by.get(`${A2}/users`)).status).toBe(200);
  const demoted = await by.patch(`${A2}/users/update-admin`, { username: 'admin', is_admin: false });
  expect(demoted).toMatchObject({ status: 400, text: expect.stringContaining('last admin') });
});

test('rights of its user end for a token on the next request', async () => {
  const bob = await gateway.person('bob');
  await grantOn(gateway.admin, bob, 'experiment', '7', 'READ');
  const { secret } = await makeToken(bob);
  expect((await as(secret).get(`${A2}/experiments/get?experiment_id=7`)).status).toBe(200);
  await gateway.admin.post('/api/3.0/mlflow/users/permissions/revoke', {
    username: bob.username,
    resource_type: 'experiment',
    resource_id: '7',
  });
  expect((await as(secret).get(`${A2}/experiments/get?experiment_id=7`)).status).toBe(403);
});
