/** A link by which a user chooses a password: good once, for a while, for whom it was made, and told to nobody else. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { temporaryUri } from '../store/temporary.ts';
import { type Person, type Received, type TestGateway, unique } from '../support/gateway.ts';
import { sharedPostgresql } from '../support/shared-postgresql.ts';
import { openJar, signInByPage } from '../support/sign-in.ts';
import { openGateway, useGateway } from '../support/use-gateway.ts';

const API = '/api/2.0/mlflow';
const LINKS = `${API}/users/invitations`;
const WHO = `${API}/users/current`;
const PASSWORD = 'chosen by whoever it is for';

const secretIn = ({ json }: Received): string => new URL(json.link).hash.slice(1);

/** Makes a link that invites a new user. */
async function invite(gateway: Pick<TestGateway, 'admin'>, more: object = {}) {
  const username = unique('invited');
  const made = await gateway.admin.post(`${LINKS}/create`, { username, ...more });
  expect(made.status, made.text).toBe(200);
  return { username, secret: secretIn(made), id: made.json.invitation.invitation_id, made };
}

const accept = (at: Pick<TestGateway, 'anonymous'>, secret: string, password = PASSWORD) =>
  at.anonymous.post(`${LINKS}/accept`, { secret, password });
const show = (at: Pick<TestGateway, 'anonymous'>, secret: string) =>
  at.anonymous.post(`${LINKS}/show`, { secret });

const statusOf = async (at: TestGateway, username: string, password = PASSWORD) =>
  (await at.as(username, password).get(WHO)).status;

describe('a link', () => {
  const { gateway, admin, another } = useGateway({ fake: true });

  test('lets who was invited choose a password by the rules, and signs them in', async () => {
    const { username, secret, made } = await invite(gateway);
    expect(made.headers['cache-control']).toBe('no-store');
    expect(secret).toMatch(/^mlai_[0-9A-Za-z]{49}$/);
    // Until then there is no password at all.
    for (const password of ['', '!', secret, PASSWORD]) {
      expect(await statusOf(gateway, username, password)).toBe(401);
    }
    expect((await show(gateway, secret)).json).toMatchObject({ username, kind: 'invitation' });
    for (const password of ['short', 'password1234', 'a'.repeat(73)]) {
      expect([password, (await accept(gateway, secret, password)).status]).toEqual([password, 400]);
    }
    const jar = openJar(gateway);
    const answer = await jar.send('POST', `${LINKS}/accept`, { json: { secret, password: PASSWORD } });
    expect([answer.status, answer.json]).toEqual([200, { username }]);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect((await jar.send('GET', WHO)).json).toMatchObject({
      user: { username, is_admin: false, must_change_password: false },
      credential: { kind: 'session' },
    });
    expect(await statusOf(gateway, username)).toBe(200);
  });

  test('has the admin flag and the roles given that were said, or nothing is made', async () => {
    const role = await admin.post('/api/3.0/mlflow/roles/create', {
      name: unique('r'),
      workspace: 'default',
    });
    const { username, secret } = await invite(gateway, { is_admin: true, role_ids: [role.json.role.id] });
    await accept(gateway, secret);
    const held = await admin.get(`/api/3.0/mlflow/users/roles/list?username=${username}`);
    expect(held.json.roles).toHaveLength(1);
    expect((await gateway.as(username, PASSWORD).get(WHO)).json.user.is_admin).toBe(true);
    const nobody = unique('nobody');
    const refused = await admin.post(`${LINKS}/create`, { username: nobody, role_ids: [987_654] });
    expect(refused.status).toBe(404);
    expect((await admin.get(`${API}/users/get?username=${nobody}`)).status).toBe(404);
    const { text } = await admin.get(`${LINKS}/list?max_results=1000`);
    expect(text).not.toContain(nobody);
  });

  test('is good once, and unknown, used, replaced, revoked, disabled and deleted look the same', async () => {
    const used = await invite(gateway);
    expect((await accept(gateway, used.secret)).status).toBe(200);
    const replaced = await invite(gateway);
    const again = await admin.post(`${LINKS}/reset-password`, { username: replaced.username });
    expect(again.status).toBe(200);
    const revoked = await invite(gateway);
    await admin.delete(`${LINKS}/delete`, { invitation_id: revoked.id });
    const disabled = await invite(gateway);
    await admin.patch(`${API}/users/update-status`, { username: disabled.username, is_active: false });
    const deleted = await invite(gateway);
    await admin.delete(`${API}/users/delete`, { username: deleted.username });
    const set = await invite(gateway);
    await admin.patch(`${API}/users/update-password`, { username: set.username, password: PASSWORD });
    const answers = new Set<string>();
    const fresh = await openGateway({ fake: true });
    for (const { secret } of [used, replaced, revoked, disabled, deleted, set, { secret: 'mlai_made-up' }]) {
      for (const answer of [
        await show(gateway, secret),
        await accept(gateway, secret, 'another, long enough'),
      ]) {
        answers.add(`${answer.status} ${answer.text} ${answer.headers['cache-control']}`);
      }
    }
    const unknown = await accept(fresh.gateway, used.secret);
    answers.add(`${unknown.status} ${unknown.text} ${unknown.headers['cache-control']}`);
    expect([...answers]).toEqual([expect.stringContaining('403 {"error_code":"PERMISSION_DENIED"')]);
    await admin.delete(`${API}/users/lockouts/delete`, { ip: '127.0.0.1' });
    expect(await statusOf(gateway, used.username)).toBe(200);
    expect(await statusOf(gateway, replaced.username)).toBe(401);
    expect((await accept(gateway, secretIn(again))).status).toBe(200);
    // Enabled again, the link of before has not come back.
    await admin.patch(`${API}/users/update-status`, { username: disabled.username, is_active: true });
    expect((await accept(gateway, disabled.secret)).status).toBe(403);
  });

  test.each([
    ['is no admin any more', (username: string) => ['PATCH', 'update-admin', { username, is_admin: false }]],
    ['is disabled', (username: string) => ['PATCH', 'update-status', { username, is_active: false }]],
    ['is deleted', (username: string) => ['DELETE', 'delete', { username }]],
  ] as const)(
    'ends when the admin who has made it %s, and that of another admin does not',
    async (_what, ending) => {
      const former = await gateway.person('former');
      await admin.patch(`${API}/users/update-admin`, { username: former.username, is_admin: true });
      const alice = await gateway.person('alice');
      const made = await former.post(`${LINKS}/reset-password`, { username: alice.username });
      const invited = await invite({ admin: former });
      const other = await invite(gateway);
      const [method, path, json] = ending(former.username);
      expect((await admin.send(String(method), `${API}/users/${path}`, { json })).status).toBe(200);
      for (const secret of [secretIn(made), invited.secret]) {
        expect((await accept(gateway, secret)).status).toBe(403);
      }
      expect((await alice.get(WHO)).status).toBe(200);
      expect((await accept(gateway, other.secret)).status).toBe(200);
      await admin.delete(`${API}/users/lockouts/delete`, { ip: '127.0.0.1' });
    },
  );

  test('resets a password: the one before counts until then, and its sessions end with it', async () => {
    const alice = await gateway.person('alice');
    const jar = await signInByPage(gateway, alice);
    const made = await admin.post(`${LINKS}/reset-password`, { username: alice.username });
    expect((await alice.get(WHO)).status).toBe(200);
    expect((await show(gateway, secretIn(made))).json.kind).toBe('password_reset');
    expect((await accept(gateway, secretIn(made))).status).toBe(200);
    expect((await jar.send('GET', WHO)).status).toBe(401);
    expect((await alice.get(WHO)).status).toBe(401);
    expect(await statusOf(gateway, alice.username)).toBe(200);
  });

  test('is ended by a password that the user changes meanwhile', async () => {
    const alice = await gateway.person('alice');
    const made = await admin.post(`${LINKS}/reset-password`, { username: alice.username });
    const own = { username: alice.username, password: PASSWORD, current_password: alice.password };
    expect((await alice.patch(`${API}/users/update-password`, own)).status).toBe(200);
    expect((await accept(gateway, secretIn(made), 'another, long enough')).status).toBe(403);
  });

  test('is made by admins alone, never for oneself, a service account, or who may not sign in', async () => {
    const [alice, bob] = [await gateway.person('alice'), await gateway.person('bob')];
    const service = unique('service');
    await admin.post(`${API}/users/create`, { username: service, is_service: true });
    const reset = (by: Person, username: string) => by.post(`${LINKS}/reset-password`, { username });
    expect((await reset(alice, bob.username)).status).toBe(403);
    expect((await alice.post(`${LINKS}/create`, { username: unique('x') })).status).toBe(403);
    expect((await alice.get(`${LINKS}/list`)).status).toBe(403);
    expect((await reset(admin, admin.username)).status).toBe(400);
    expect((await reset(admin, service)).status).toBe(400);
    expect((await reset(admin, 'nobody')).status).toBe(404);
    await admin.patch(`${API}/users/update-status`, { username: bob.username, is_active: false });
    expect((await reset(admin, bob.username)).status).toBe(400);
    expect((await admin.post(`${LINKS}/create`, { username: alice.username })).status).toBe(400);
    // A token that may less than its admin.
    const token = await admin.post(`${API}/users/tokens/create`, { name: 'x', scope: { access: 'read' } });
    const headers = { authorization: `Bearer ${token.json.secret}` };
    const sent = { json: { username: alice.username }, headers };
    expect((await gateway.anonymous.send('POST', `${LINKS}/reset-password`, sent)).status).toBe(403);
  });

  test('counts no longer than it may', async () => {
    for (const seconds of [0, -1, 1.5, 'soon', 72 * 3600 + 1]) {
      const sent = { username: unique('x'), expires_in_seconds: seconds };
      expect([seconds, (await admin.post(`${LINKS}/create`, sent)).status]).toEqual([seconds, 400]);
    }
    const other = await another({ invitation_hours: '1' });
    const { made, secret } = await invite(other);
    const { created_at: from, expires_at: until } = made.json.invitation;
    expect(until - from).toBe(3_600_000);
    expect((await show(other, secret)).status).toBe(200);
    // The store's clock decides; its own test lets the time pass.
    const short = await invite(other, { expires_in_seconds: 1 });
    await expect
      .poll(async () => (await show(other, short.secret)).status, { timeout: 10_000, interval: 300 })
      .toBe(403);
  });

  test('is listed and revoked by admins, without what is in it', async () => {
    const { username, id, secret } = await invite(gateway);
    const { json, text } = await admin.get(`${LINKS}/list?username=${username}`);
    expect(json.invitations).toEqual([
      {
        ...{ invitation_id: id, username, kind: 'invitation', created_by: 'admin' },
        created_at: expect.any(Number),
        expires_at: json.invitations[0].created_at + 72 * 3_600_000,
      },
    ]);
    expect(text).not.toContain(secret);
    expect((await admin.delete(`${LINKS}/delete`, { invitation_id: id })).json).toEqual({});
    expect((await admin.delete(`${LINKS}/delete`, { invitation_id: id })).status).toBe(404);
  });

  test('signs in no browser by what another site has it send, nor by a form or a query', async () => {
    const { username, secret } = await invite(gateway);
    const json = { secret, password: PASSWORD };
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
    ]) {
      for (const prefix of ['/api', '/ajax-api']) {
        const path = `${prefix}/2.0/mlflow/users/invitations/accept`;
        expect((await gateway.anonymous.send('POST', path, { json, headers })).status).toBe(403);
      }
    }
    const raw = JSON.stringify(json);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      const sent = { raw, headers: { 'content-type': type } };
      expect((await gateway.anonymous.send('POST', `${LINKS}/accept`, sent)).status).toBe(400);
    }
    const query = `${LINKS}/accept?secret=${secret}&password=${encodeURIComponent(PASSWORD)}`;
    expect((await gateway.anonymous.send('POST', query, { json: {} })).status).toBe(400);
    expect((await gateway.anonymous.get(query)).status).not.toBe(200);
    expect(await statusOf(gateway, username)).toBe(401);
    expect((await accept(gateway, secret)).status).toBe(200);
  });

  test('its page tells no other site where it came from, and needs nobody signed in', async () => {
    const { status, headers, text } = await gateway.anonymous.get('/auth/invitation');
    expect([status, headers['referrer-policy']]).toEqual([200, 'no-referrer']);
    expect(headers['content-security-policy']).toContain("script-src 'self'");
    expect(text).toContain('/auth/assets/');
  });
});

test('its secret is in no log, no audit entry, no error and no store', async () => {
  const databaseUri = temporaryUri();
  const { gateway, admin } = await openGateway({
    fake: true,
    settings: { database_uri: databaseUri, audit_reads: 'true' },
  });
  const { username, secret } = await invite(gateway);
  const answers = [
    await show(gateway, secret),
    await accept(gateway, secret, 'short'),
    await accept(gateway, secret),
    await accept(gateway, secret),
    await gateway.anonymous.get(`${LINKS}/list`, { headers: { authorization: `Bearer ${secret}` } }),
    await gateway.as(username, secret).get(WHO),
  ];
  const actions = ['create_user', 'invite_user', 'accept_invitation', 'sign_in'];
  const audit = () => admin.get(`${API}/audit/search?max_results=1000`);
  // An entry is found at the latest a second after its request, in no certain order.
  const told = async (): Promise<readonly string[]> =>
    (await audit()).json.entries.map(
      ({ action, allowed, operation }: { action: string; allowed: boolean; operation: string }) =>
        allowed ? action : `refused ${operation}`,
    );
  const refused = 'refused POST 2.0 users/invitations/accept';
  await expect.poll(told, { timeout: 10_000 }).toEqual(expect.arrayContaining([...actions, refused]));
  const { json, text } = await audit();
  const by = (action: string) => json.entries.find((each: { action: string }) => each.action === action);
  expect(by('invite_user')).toMatchObject({
    username: 'admin',
    change: { after: { username, kind: 'invitation' } },
  });
  expect(by('accept_invitation')).toMatchObject({
    ...{ username, allowed: true },
    change: { before: { username, kind: 'invitation' }, after: { username, password: 'changed' } },
  });
  // A link that is none is a failed sign-in of nobody.
  const failed = json.entries.find(
    ({ allowed, operation }: { allowed: boolean; operation: string }) =>
      !allowed && operation === 'POST 2.0 users/invitations/accept',
  );
  expect(failed).toMatchObject({ action: 'sign_in', username: null, because: 'no such link is open' });
  const { pathname } = new URL(databaseUri.replace('sqlite:', 'file:'));
  const kept = ['', '-wal'].map((end) => readFileSync(`${pathname}${end}`).toString('latin1'));
  const said = [text, JSON.stringify(gateway.log), ...answers.map((each) => each.text), ...kept];
  for (const each of said) {
    expect(each).not.toContain(secret);
    expect(each).not.toContain(PASSWORD);
  }
});

test('it cannot be guessed at will: the address is locked out, and no name is', async () => {
  const { gateway, admin } = await openGateway({ fake: true, settings: { sign_in_failures: '2' } });
  const { secret } = await invite(gateway);
  const statuses: number[] = [];
  for (let tries = 0; tries < 7; tries += 1) {
    statuses.push((await (tries % 2 === 0 ? show : accept)(gateway, `mlai_${tries}`)).status);
  }
  expect(statuses).toEqual([403, 403, 403, 403, 403, 403, 429]);
  const refused = await accept(gateway, secret);
  expect([refused.status, refused.json.error_code]).toEqual([429, 'RESOURCE_EXHAUSTED']);
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  const { lockouts } = (await admin.get(`${API}/users/lockouts/list`)).json;
  expect(lockouts).toMatchObject([{ username: null, ip: '127.0.0.1', failures: 6 }]);
  await admin.delete(`${API}/users/lockouts/delete`, { ip: '127.0.0.1' });
  expect((await accept(gateway, secret)).status).toBe(200);
});

describe.each([
  ['SQLite', async () => temporaryUri()],
  ['PostgreSQL', sharedPostgresql],
])('two gateways on one %s', (_, databaseUri) => {
  test('of ten who open a link at once, exactly one chooses the password', async () => {
    const settings = { database_uri: await databaseUri() };
    const { gateway, another } = await openGateway({ fake: true, settings });
    const gateways = [gateway, await another(settings)] as const;
    for (let round = 0; round < 3; round += 1) {
      const { username, secret } = await invite(gateway);
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_each, at) =>
          accept(gateways[at % 2 === 0 ? 0 : 1], secret, `chosen by number ${at}`),
        ),
      );
      const won = answers.flatMap(({ status }, at) => (status === 200 ? [at] : []));
      expect(won).toHaveLength(1);
      expect(answers.every(({ status }) => status === 200 || status === 403)).toBe(true);
      await gateway.admin.delete(`${API}/users/lockouts/delete`, { ip: '127.0.0.1' });
      for (const each of gateways) {
        expect(await statusOf(each, username, `chosen by number ${won[0]}`)).toBe(200);
      }
      const { sessions } = (await gateway.admin.get(`${API}/users/sessions/list?username=${username}`)).json;
      expect(sessions).toHaveLength(1);
    }
  });

  test('a link that one has revoked is refused by the other on the next request', async () => {
    const settings = { database_uri: await databaseUri() };
    const { gateway, another } = await openGateway({ fake: true, settings });
    const other = await another(settings);
    const { id, secret } = await invite(gateway);
    expect((await show(other, secret)).status).toBe(200);
    await gateway.admin.delete(`${LINKS}/delete`, { invitation_id: id });
    expect((await accept(other, secret)).status).toBe(403);
  });
});
