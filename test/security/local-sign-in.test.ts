/** Whose passwords are taken, by every way one may come, and that an admin can always sign in. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { temporaryUri } from '../store/temporary.ts';
import { pageFor } from '../support/allow-program.ts';
import { type Person, type Settings, startGateway, type TestGateway, unique } from '../support/gateway.ts';
import { beginAt, CLIENT, type RealProvider, startRealProvider } from '../support/real-provider.ts';
import { type CookieJar, openJar, signInByPage } from '../support/sign-in.ts';
import { byToken, makeToken } from '../support/tokens.ts';
import { NO_UPSTREAM, openGateway } from '../support/use-gateway.ts';

const A2 = '/api/2.0/mlflow';
const WHO = `${A2}/users/current`;

let provider: RealProvider;
beforeAll(async () => {
  provider = await startRealProvider();
});
afterAll(() => provider.close());

const withProvider = (more: Readonly<Record<string, string>> = {}): Settings => ({
  database_uri: temporaryUri(),
  oidc: { op: { issuer: provider.uri, display_name: 'Corp', ...CLIENT, ...more } },
});

/** Somebody new, in a browser signed in at the provider. */
async function byProvider(gateway: TestGateway, groups: readonly string[] = []) {
  const name = unique('sso');
  provider.people.set(name, { preferred_username: name, groups });
  provider.current = name;
  await provider.serve(gateway.url);
  const jar = openJar(gateway);
  const { status, text } = await jar.get(await beginAt(jar, gateway.url));
  expect({ status, text }).toEqual({ status: 303, text: '' });
  return { name, jar };
}

interface Made {
  readonly settings: Settings;
  readonly alice: Person;
  /** Of alice, and of a service account. */
  readonly tokens: readonly string[];
}

/** A store with users, made while passwords were taken. */
async function made(): Promise<Made> {
  const settings = withProvider();
  const { gateway, admin } = await openGateway({ fake: true, settings });
  const alice = await gateway.person('alice');
  const service = unique('service');
  await admin.post(`${A2}/users/create`, { username: service, is_service: true });
  const own = await makeToken(alice);
  const its = await makeToken(admin, { username: service });
  const { name } = await byProvider(gateway);
  await admin.patch(`${A2}/users/update-admin`, { username: name, is_admin: true });
  await gateway.close();
  return { settings, alice, tokens: [own.secret, its.secret] };
}

async function reopened(local_sign_in: 'everybody' | 'admins' | 'nobody') {
  const { settings, alice, tokens } = await made();
  const opened = await openGateway({ fake: true, settings: { ...settings, local_sign_in } });
  return { ...opened, alice: opened.gateway.as(alice.username, alice.password), tokens };
}

const submit = (jar: CookieJar, { username, password }: Pick<Person, 'username' | 'password'>) =>
  jar.submit('/auth/sign-in', { username, password });

/** What is answered to a person's password by HTTP basic, and on the page. */
async function tried(gateway: TestGateway, person: Person) {
  const basic = await person.get(WHO);
  const page = await submit(openJar(gateway), person);
  return [basic.status, page.status];
}

describe.each([
  ['everybody', { admin: [200, 303], alice: [200, 303] }],
  ['admins', { admin: [200, 303], alice: [401, 401] }],
  // The page has no form that could be sent.
  ['nobody', { admin: [401, 400], alice: [401, 400] }],
] as const)('local_sign_in = %s', (local, expected) => {
  test('says whose password is taken, by HTTP basic and on the page; tokens and providers go on to let in', async () => {
    const { gateway, admin, alice, tokens } = await reopened(local);
    expect(await tried(gateway, admin)).toEqual(expected.admin);
    expect(await tried(gateway, alice)).toEqual(expected.alice);
    for (const secret of tokens) {
      expect((await byToken(gateway.url, secret).get(WHO)).status).toBe(200);
    }
    const [secret = ''] = tokens;
    expect((await gateway.as(alice.username, secret).get(WHO)).status).toBe(200);
    const { jar } = await byProvider(gateway);
    expect((await jar.send('GET', WHO)).status).toBe(200);
  });

  test('offers on the page what is taken', async () => {
    const { gateway } = await openGateway({
      fake: true,
      settings: { ...withProvider({ admin_group: 'admins' }), local_sign_in: local },
    });
    const { text } = await openJar(gateway).get('/auth/sign-in');
    expect(text).toContain('Sign in with Corp');
    expect(text.includes('type="password"')).toBe(local !== 'nobody');
    expect(text.includes('<details>')).toBe(local === 'admins');
    const wrong = await submit(openJar(gateway), { username: 'admin', password: 'wrong' });
    expect(wrong.text.includes('type="password"')).toBe(local !== 'nobody');
    expect(wrong.text.includes('<details open>')).toBe(local === 'admins');
  });
});

test('of admins alone: a wrong password tells nobody who is one, and being made one counts on the next request', async () => {
  const { gateway, admin, alice } = await reopened('admins');
  const bodies = await Promise.all(
    ['admin', alice.username, 'nobody-at-all'].map(async (username) => {
      const { json, headers } = await gateway.as(username, 'a wrong password').get(WHO);
      return [json.message.replace(/Request id.*/, ''), headers['www-authenticate']];
    }),
  );
  expect(new Set(bodies.map(String)).size).toBe(1);
  expect((await alice.get(WHO)).json.message).toContain('mlflow-auth-client login');
  await admin.patch(`${A2}/users/update-admin`, { username: alice.username, is_admin: true });
  expect(await tried(gateway, alice)).toEqual([200, 303]);
  await admin.patch(`${A2}/users/update-admin`, { username: alice.username, is_admin: false });
  expect(await tried(gateway, alice)).toEqual([401, 401]);
});

test('of nobody: none is looked at, and the challenge asks for none', async () => {
  const { gateway, admin } = await reopened('nobody');
  const answers = await Promise.all(
    ['right', 'wrong'].map((which) =>
      gateway.as('admin', which === 'right' ? admin.password : 'a wrong password').get(WHO),
    ),
  );
  for (const { json, headers } of answers) {
    expect(json.message).toContain('Passwords are not taken here');
    expect(headers['www-authenticate'] ?? '').not.toMatch(/basic/i);
  }
  const asked = (await gateway.anonymous.get(WHO)).headers['www-authenticate'];
  expect(asked).toMatch(/^Bearer/);
  // Nor is one in a form that was made up, with the field of another page.
  const { jar } = await byProvider(gateway);
  const { text } = await jar.get(pageFor());
  const [, csrf_token = ''] = /name="csrf_token" value="([^"]*)"/.exec(text) ?? [];
  const made = await jar.send('POST', '/auth/sign-in', {
    raw: new URLSearchParams({ csrf_token, username: 'admin', password: admin.password }).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  expect([made.status, made.text.includes('Passwords are not taken here')]).toEqual([401, true]);
  for (let tries = 0; tries < 40; tries += 1) {
    await gateway.as('admin', `guess ${tries}`).get(WHO);
  }
  expect((await gateway.as('admin', admin.password).get(WHO)).status).toBe(401);
});

describe('an admin can always sign in', () => {
  const start = async (settings: Settings) => {
    const gateway = await startGateway(NO_UPSTREAM, settings);
    await gateway.close();
    return gateway;
  };

  test('with nobody, the start is refused where none is known to a provider, and says what to do', async () => {
    const settings = { ...withProvider(), local_sign_in: 'nobody' };
    await expect(start(settings)).rejects.toThrow(/No admin could sign in.*local_sign_in = admins/);
    // Nor is one who is known to another provider than those of the settings.
    const { gateway, admin } = await openGateway({ fake: true, settings: withProvider() });
    const alice = await gateway.person('alice');
    await admin.patch(`${A2}/users/update-admin`, { username: alice.username, is_admin: true });
    const link = (subject: string) =>
      admin.patch(`${A2}/users/link`, { username: alice.username, provider: 'op', subject });
    expect((await link('of alice')).status).toBe(200);
  });

  test('or is warned of where one comes by a group, who is then the first', async () => {
    const settings = { ...withProvider({ admin_group: 'admins' }), local_sign_in: 'nobody' };
    const { gateway } = await openGateway({ fake: true, settings });
    expect(JSON.stringify(gateway.log)).toContain('No admin can sign in yet');
    const { name, jar } = await byProvider(gateway, ['admins']);
    expect((await jar.send('GET', WHO)).json.user).toMatchObject({ username: name, is_admin: true });
    await gateway.close();
    const again = await start(settings);
    expect(JSON.stringify(again.log)).not.toContain('No admin can sign in yet');
  });

  test('the last one known to a provider stays: not disabled, demoted, deleted or unlinked, until there is another', async () => {
    const { gateway } = await reopened('nobody');
    const { users, identities } = gateway.server.store;
    const [last] = (await users.list()).filter((user) => user.isAdmin && user.username !== 'admin');
    if (last === undefined) {
      throw new Error('there is no such admin');
    }
    const secret = await tokenOfAdmin(gateway);
    const admin = byToken(gateway.url, secret);
    const { username } = last;
    const taken = async () => [
      (await admin.patch(`${A2}/users/update-status`, { username, is_active: false })).json.message,
      (await admin.patch(`${A2}/users/update-admin`, { username, is_admin: false })).json.message,
      (await admin.delete(`${A2}/users/delete`, { username })).json.message,
      (await admin.patch(`${A2}/users/link`, { username, provider: 'op', subject: null })).json.message,
    ];
    const all = await taken();
    for (const message of all) {
      expect(String(message)).toContain('last admin who can sign in by a provider');
    }
    expect((await identities.ofUser(last.id)).length).toBe(1);
    const { name } = await byProvider(gateway);
    await admin.patch(`${A2}/users/update-admin`, { username: name, is_admin: true });
    expect((await admin.patch(`${A2}/users/link`, { username, provider: 'op', subject: null })).status).toBe(
      200,
    );
    expect((await admin.patch(`${A2}/users/update-admin`, { username, is_admin: false })).status).toBe(200);
    // And so does the other now.
    const refused = await admin.patch(`${A2}/users/update-status`, { username: name, is_active: false });
    expect(refused.status).toBe(400);
  });

  test('who loses the admin group of a provider as the last one stays an admin', async () => {
    const settings = { ...withProvider({ admin_group: 'admins' }), local_sign_in: 'nobody' };
    const { gateway } = await openGateway({ fake: true, settings });
    const { name, jar } = await byProvider(gateway, ['admins']);
    provider.people.set(name, { preferred_username: name, groups: [] });
    expect((await jar.get(await beginAt(jar, gateway.url))).status).toBe(303);
    expect((await jar.send('GET', WHO)).json.user.is_admin).toBe(true);
    expect(JSON.stringify(gateway.log)).toContain('the last admin stays one');
  });
});

/** A token of the admin that every store of the tests has, made on the store: no password is taken. */
async function tokenOfAdmin(gateway: TestGateway): Promise<string> {
  const { makeSecret, hashOf, prefixOf } = await import('../../src/identity/token-secret.ts');
  const { randomBytes } = await import('node:crypto');
  const { store } = gateway.server;
  const user = await store.users.get('admin');
  const secret = makeSecret(randomBytes);
  await store.tokens.create({
    ...{ id: unique('token'), userId: user?.id ?? 0, name: 'for a test', hash: hashOf(secret) },
    ...{
      prefix: prefixOf(secret),
      ceiling: undefined,
      lifeMs: 60_000,
      notAfter: undefined,
      createdBy: 'admin',
    },
  });
  return secret;
}

test('a link to choose a password is made for nobody whose password is not taken, and one from before signs nobody in', async () => {
  const settings = withProvider();
  const { gateway, admin, another } = await openGateway({ fake: true, settings });
  const alice = await gateway.person('alice');
  const reset = (by: Person) =>
    by.post(`${A2}/users/invitations/reset-password`, { username: alice.username });
  const invite = (by: Person, is_admin: boolean) =>
    by.post(`${A2}/users/invitations/create`, { username: unique('invited'), is_admin });
  const { json } = await reset(admin);
  const [, secret] = json.link.split('#');
  const second = await another({ ...settings, local_sign_in: 'admins' });
  expect((await reset(second.admin)).json.message).toContain('local_sign_in = admins');
  expect((await invite(second.admin, false)).status).toBe(400);
  expect((await invite(second.admin, true)).status).toBe(200);
  const taken = await second.anonymous.post(`${A2}/users/invitations/accept`, {
    ...{ secret, password: 'chosen by the link' },
  });
  expect([taken.status, taken.headers['set-cookie']]).toEqual([403, undefined]);
  // Where it is taken, the link still counts.
  const accepted = await gateway.anonymous.post(`${A2}/users/invitations/accept`, {
    ...{ secret, password: 'chosen by the link' },
  });
  expect(accepted.status).toBe(200);
});

test('a session that began by a password before goes on until it ends', async () => {
  const settings = withProvider();
  const first = await openGateway({ fake: true, settings });
  const alice = await first.gateway.person('alice');
  const { header: cookie } = await signInByPage(first.gateway, alice);
  const second = await first.another({ ...settings, local_sign_in: 'admins' });
  expect((await second.anonymous.get(WHO, { headers: { cookie } })).status).toBe(200);
});
