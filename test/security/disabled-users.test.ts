/**
 * Users who are disabled are refused on the next request, in every process, and lose nothing; users whose password was
 * chosen by another can do nothing but change it; service accounts have none.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { grantOn, type Person, unique } from '../support/gateway.ts';
import { NO_UPSTREAM, useGateway } from '../support/use-gateway.ts';

const A2 = '/api/2.0/mlflow';
const CURRENT = `${A2}/users/current`;

const { gateway, another } = useGateway({ upstream: NO_UPSTREAM });

const setStatus = (who: Pick<Person, 'username'>, is_active: unknown, by = gateway.admin) =>
  by.patch(`${A2}/users/update-status`, { username: who.username, is_active });

async function makeUser(more: Record<string, unknown>, by = gateway.admin) {
  const username = unique('made');
  const password = 'a first password, long enough';
  const answer = await by.post(`${A2}/users/create`, { username, password, ...more });
  return { answer, who: gateway.as(username, password) };
}

describe('a user who is disabled', () => {
  test('is refused on the next request, and has everything again when enabled', async () => {
    const alice = await gateway.person('alice');
    await grantOn(gateway.admin, alice, 'experiment', '7', 'MANAGE');
    expect((await alice.get(CURRENT)).status).toBe(200);
    expect(await setStatus(alice, false)).toMatchObject({ status: 200, json: {} });
    expect((await alice.get(CURRENT)).status).toBe(401);
    expect((await gateway.admin.get(`${A2}/users/get?username=${alice.username}`)).json.user).toMatchObject({
      is_active: false,
      experiment_permissions: [{ experiment_id: '7', permission: 'MANAGE' }],
    });
    await setStatus(alice, true);
    expect((await alice.get(CURRENT)).json.user).toMatchObject({ is_active: true });
    expect((await alice.get('/api/3.0/mlflow/users/current/permissions')).json.permissions).toHaveLength(1);
  });

  test('is refused by every gateway on the store', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'disabled-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    const shared = { database_uri: `sqlite:///${join(dir, 'gateway.db')}` };
    const [one, two] = [await another(shared), await another(shared)];
    onTestFinished(async () => {
      await one.close();
      await two.close();
    });
    const alice = await one.person('alice');
    const atTwo = two.as(alice.username, alice.password);
    expect((await atTwo.get(CURRENT)).status).toBe(200);
    await setStatus(alice, false, one.admin);
    expect((await atTwo.get(CURRENT)).status).toBe(401);
  });

  test('is never the last admin who could sign in, nor leaves one that is disabled as the last', async () => {
    const alone = await another();
    expect(await setStatus(alone.admin, false, alone.admin)).toMatchObject({
      status: 400,
      json: { message: expect.stringContaining('is the last admin') },
    });
    const other = await alone.person('other');
    const beAdmin = (who: Person, is_admin: boolean) =>
      alone.admin.patch(`${A2}/users/update-admin`, { username: who.username, is_admin });
    await beAdmin(other, true);
    expect((await setStatus(other, false, alone.admin)).status).toBe(200);
    expect((await beAdmin(alone.admin, false)).status).toBe(400);
    expect((await setStatus(alone.admin, false, alone.admin)).status).toBe(400);
    expect((await setStatus(other, true, alone.admin)).status).toBe(200);
    expect((await setStatus(alone.admin, false, alone.admin)).status).toBe(200);
    expect((await alone.admin.get(CURRENT)).status).toBe(401);
  });

  test('is disabled by an admin alone, and with yes or no', async () => {
    const [alice, bob] = [await gateway.person('alice'), await gateway.person('bob')];
    expect((await setStatus(bob, false, alice)).status).toBe(403);
    expect((await setStatus(alice, false, alice)).status).toBe(403);
    for (const nonsense of ['false', 0, null, undefined]) {
      expect((await setStatus(bob, nonsense)).status).toBe(400);
    }
    expect((await setStatus({ username: 'nobody-at-all' }, false)).status).toBe(404);
    expect((await bob.get(CURRENT)).status).toBe(200);
  });
});

describe('a password that was chosen by another', () => {
  const change = (who: Person, json: Record<string, unknown>) =>
    who.patch(`${A2}/users/update-password`, { username: who.username, ...json });

  test('is good for nothing but choosing another', async () => {
    const { who } = await makeUser({ must_change_password: true });
    const mine = { current_password: who.password, password: 'a password of my own' };
    expect((await who.get(CURRENT)).json.user).toMatchObject({ must_change_password: true });
    for (const path of [`${A2}/users/list`, `${A2}/experiments/search`, '/', '/api/unknown']) {
      expect(await who.get(path)).toMatchObject({
        status: 403,
        text: expect.stringContaining('must be changed first'),
      });
    }
    expect((await change(who, { ...mine, password: who.password })).status).toBe(400);
    expect((await change(who, mine)).status).toBe(200);
    const changed = gateway.as(who.username, mine.password);
    expect((await changed.get(CURRENT)).json.user).toMatchObject({ must_change_password: false });
    expect((await changed.get(`${A2}/users/list`)).status).toBe(200);
  });

  test('cannot be chosen again by a client that sends no current password', async () => {
    const { who } = await makeUser({ must_change_password: true });
    const old = (password: string) =>
      who.send('PATCH', `${A2}/users/update-password`, {
        json: { username: who.username, password },
        headers: { 'user-agent': 'mlflow-python-client/2.15.1' },
      });
    expect(await old(who.password)).toMatchObject({
      status: 400,
      json: { message: 'New password must differ from the current password.' },
    });
    expect((await old('a password of my own')).status).toBe(200);
  });

  test('is one too that an admin sets later, if the admin says so', async () => {
    const alice = await gateway.person('alice');
    const set = { username: alice.username, password: 'another first password' };
    await gateway.admin.patch(`${A2}/users/update-password`, { ...set, must_change_password: true });
    expect((await gateway.as(alice.username, set.password).get(`${A2}/users/list`)).status).toBe(403);
    await gateway.admin.patch(`${A2}/users/update-password`, set);
    expect((await gateway.as(alice.username, set.password).get(`${A2}/users/list`)).status).toBe(200);
  });

  test('makes an admin no admin before it is changed, of others’ passwords either', async () => {
    const { who } = await makeUser({ must_change_password: true });
    const bob = await gateway.person('bob');
    await gateway.admin.patch(`${A2}/users/update-admin`, { username: who.username, is_admin: true });
    const forged = { username: bob.username, password: 'a password of the first' };
    expect((await who.patch(`${A2}/users/update-password`, forged)).status).toBe(403);
    expect((await who.get(`${A2}/users`)).status).toBe(403);
    expect((await bob.get(CURRENT)).status).toBe(200);
  });
});

describe('a service account', () => {
  test('has no password, and gets none', async () => {
    const username = unique('service');
    const made = await gateway.admin.post(`${A2}/users/create`, { username, is_service: true });
    expect(made).toMatchObject({
      status: 200,
      json: { user: { username, is_service: true, is_admin: false } },
    });
    for (const password of ['', '!', 'a password long enough']) {
      expect((await gateway.as(username, password).get(CURRENT)).status).toBe(401);
    }
    expect(
      await gateway.admin.patch(`${A2}/users/update-password`, { username, password: 'long enough for it' }),
    ).toMatchObject({ status: 400, json: { message: expect.stringContaining('service account') } });
  });

  test('is refused a password from the start, and a name that is taken', async () => {
    const taken = unique('service');
    const create = (json: Record<string, unknown>) => gateway.admin.post(`${A2}/users/create`, json);
    expect((await create({ username: taken, is_service: true, password: 'long enough for it' })).status).toBe(
      400,
    );
    expect((await create({ username: taken, is_service: 'yes' })).status).toBe(400);
    expect((await create({ username: taken, is_service: true })).status).toBe(200);
    expect((await create({ username: taken, is_service: true })).json.error_code).toBe(
      'RESOURCE_ALREADY_EXISTS',
    );
    expect((await create({ username: '', is_service: true })).status).toBe(400);
  });
});

test('who made a user, and when, is for that user and admins to see', async () => {
  const before = Date.now();
  const { who } = await makeUser({});
  const { user } = (await who.get(`${A2}/users/get?username=${who.username}`)).json;
  expect(user).toMatchObject({ created_by: 'admin', is_service: false, is_active: true });
  expect(user.created_at).toBeGreaterThanOrEqual(before);
  const other = await gateway.person('other');
  const listed = (await other.get(`${A2}/users/list`)).json.users.find(
    ({ username }: { username: string }) => username === who.username,
  );
  expect(listed).toMatchObject({ is_service: false, is_active: true });
  expect(listed).not.toHaveProperty('created_by');
});

test.each(['qwerty123456', 'Passwordpassword', '123456789012'])(
  '%s is refused as a password, long as it is',
  async (password) => {
    const { answer } = await makeUser({ password });
    expect(answer).toMatchObject({
      status: 400,
      json: { message: 'Password must not be one of the commonest passwords.' },
    });
  },
);
