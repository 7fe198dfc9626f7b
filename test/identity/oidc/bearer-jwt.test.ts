/** Who comes in by an access token of a provider, and what they may do. */
import type { JWTPayload } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { LOGGED_OUT_PREFIX } from '../../../src/identity/logged-out.ts';
import { AGAIN_AFTER_MS } from '../../../src/identity/oidc/provider.ts';
import { grantOn, type Settings, unique } from '../../support/gateway.ts';
import { AUDIENCE, type FakeProvider, makeKey, startFakeProvider } from '../../support/provider.ts';
import { sharedPostgresql } from '../../support/shared-postgresql.ts';
import { byToken } from '../../support/tokens.ts';
import { openGateway, useGateway } from '../../support/use-gateway.ts';

const A2 = '/api/2.0/mlflow';
const A3 = '/api/3.0/mlflow';
const GET_EXPERIMENT = `${A2}/experiments/get?experiment_id=7`;

let provider: FakeProvider;
let ci: FakeProvider;
beforeAll(async () => {
  provider = await startFakeProvider();
  ci = await startFakeProvider();
});
afterAll(async () => {
  await provider.close();
  await ci.close();
});
beforeEach(() => {
  provider.fails = undefined;
});

const { gateway, admin } = useGateway({
  fake: (_, response) => response.end('{"experiment":{"experiment_id":"7"}}'),
  settings: async () => ({
    oidc: {
      main: { issuer: provider.uri, audience: AUDIENCE, admin_group: 'admins' },
      ci: {
        issuer: ci.uri,
        audience: AUDIENCE,
        service_accounts:
          'trainer: repository=acme/train, ref=refs/heads/main; watcher: kubernetes.io.namespace=ml',
      },
    },
  }),
});

const now = () => Math.floor(Date.now() / 1000);
const somebody = (more: JWTPayload = {}): JWTPayload & { preferred_username: string } => {
  const name = unique('user');
  return { sub: `id of ${name}`, preferred_username: name, ...more };
};
const as = (token: string) => byToken(gateway.url, token);
const by = async (claims: JWTPayload) => as(await provider.sign(claims));
const current = async (claims: JWTPayload) => (await by(claims)).get(`${A2}/users/current`);
const rolesOf = async (username: string) =>
  (await admin.get(`${A3}/users/roles/list?username=${username}`)).json.roles.map(
    (role: { name: string }) => role.name,
  );

/** Gives a role a permission on experiment 7, and answers its id. */
async function grantRole(name: string, permission = 'READ'): Promise<number> {
  const { roles } = (await admin.get(`${A3}/roles/list`)).json;
  const { id } = roles.find((role: { name: string }) => role.name === name);
  const sent = { role_id: id, resource_type: 'experiment', resource_pattern: '7', permission };
  expect((await admin.post(`${A3}/roles/permissions/add`, sent)).status).toBe(200);
  return id;
}

test('a user is made at the first sign-in, by issuer and subject, and is the same when the name changes', async () => {
  const claims = somebody();
  const name = claims.preferred_username;
  expect((await current({ ...claims, preferred_username: name.toUpperCase() })).json.user).toMatchObject({
    username: name,
    is_admin: false,
    is_service: false,
  });
  expect((await current({ ...claims, preferred_username: 'another' })).json.user.username).toBe(name);
  const { json } = await admin.get(`${A2}/users/get?username=${name}`);
  expect(json.user.identities).toEqual([{ issuer: `${provider.uri}/`, subject: claims.sub }]);
  expect((await gateway.as(name, '').get(`${A2}/users/current`)).status).toBe(401);
});

test('one who is called as a user of this gateway is refused until an admin links them, and again when that is undone', async () => {
  const local = await gateway.person();
  const claims = { sub: unique('subject'), preferred_username: local.username.toUpperCase() };
  const refused = await current(claims);
  expect(refused.status).toBe(403);
  expect(refused.json.message).toContain(`link-user USERNAME main "${claims.sub}"`);
  const link = { username: local.username, provider: 'main', subject: claims.sub };
  expect((await local.patch(`${A2}/users/link`, link)).status).toBe(403);
  expect((await admin.patch(`${A2}/users/link`, link)).status).toBe(200);
  expect((await current(claims)).json.user.username).toBe(local.username);
  const another = await gateway.person();
  expect(
    (await admin.patch(`${A2}/users/link`, { ...link, username: another.username })).json.error_code,
  ).toBe('RESOURCE_ALREADY_EXISTS');
  const token = await provider.sign(claims);
  expect((await as(token).get(`${A2}/users/current`)).status).toBe(200);
  expect((await admin.patch(`${A2}/users/link`, { ...link, subject: null })).status).toBe(200);
  expect((await as(token).get(`${A2}/users/current`)).status).toBe(403);
  expect((await admin.patch(`${A2}/users/link`, { ...link, subject: null })).status).toBe(404);
  expect((await admin.patch(`${A2}/users/link`, { ...link, provider: 'none' })).status).toBe(400);
});

test('a group is a role: what it grants comes and goes with it, and roles given by hand stay', async () => {
  const group = unique('group');
  const claims = somebody({ groups: [group, 'others'], iat: now() - 50 });
  const user = await by(claims);
  expect((await user.get(GET_EXPERIMENT)).status).toBe(403);
  const id = await grantRole(group);
  expect((await user.get(GET_EXPERIMENT)).status).toBe(200);
  const byHand = unique('by-hand');
  const made = await admin.post(`${A3}/roles/create`, { name: byHand, workspace: 'default' });
  const username = claims.preferred_username;
  await admin.post(`${A3}/roles/assign`, { role_id: made.json.role.id, username });
  expect(
    (await (await by({ ...claims, groups: ['others'], iat: now() - 40 })).get(GET_EXPERIMENT)).status,
  ).toBe(403);
  expect((await rolesOf(username)).toSorted()).toEqual([byHand, 'others'].toSorted());
  // A token from before does not bring the group back.
  expect((await (await by({ ...claims, iat: now() - 45 })).get(GET_EXPERIMENT)).status).toBe(403);
  // Nor does a provider take what was given by hand.
  await admin.post(`${A3}/roles/assign`, { role_id: id, username });
  expect((await (await by({ ...claims, groups: [], iat: now() })).get(GET_EXPERIMENT)).status).toBe(200);
  expect((await rolesOf(username)).toSorted()).toEqual([byHand, group].toSorted());
});

test('membership by a token ends with the token', async () => {
  const group = unique('group');
  const claims = somebody({ groups: [group], exp: now() - 28 });
  await current(claims);
  const { username } = { username: claims.preferred_username };
  expect(await rolesOf(username)).toEqual([]);
  await current({ ...claims, iat: now(), exp: now() + 300 });
  expect(await rolesOf(username)).toEqual([group]);
});

test('a group never takes over a role of its name, and a role of a provider is made before its users come', async () => {
  const [local, early] = [unique('local'), unique('early')];
  await admin.post(`${A3}/roles/create`, { name: local, workspace: 'default' });
  await grantRole(local);
  const made = await admin.post(`${A3}/roles/create`, {
    name: early,
    workspace: 'default',
    provider: 'main',
  });
  expect(made.json.role.provider_group).toEqual({ issuer: `${provider.uri}/`, name: early });
  const user = await by(somebody({ groups: [local] }));
  expect((await user.get(GET_EXPERIMENT)).status).toBe(403);
  await grantRole(early);
  expect((await (await by(somebody({ groups: [early] }))).get(GET_EXPERIMENT)).status).toBe(200);
  expect(gateway.log.some(({ msg, group }) => String(msg).includes('is no role') && group === local)).toBe(
    true,
  );
});

test('times with fractions of a second are times (RFC 7519, section 2), whatever database keeps them', async () => {
  const opened = await openGateway({
    fake: true,
    settings: {
      database_uri: await sharedPostgresql(),
      oidc: { main: { issuer: provider.uri, audience: AUDIENCE } },
    },
  });
  const claims = { ...somebody({ groups: ['fractions'] }), iat: now() - 0.123_45, exp: now() + 300.678_91 };
  const { status, text } = await byToken(opened.gateway.url, await provider.sign(claims)).get(
    `${A2}/users/current`,
  );
  expect({ status, text }).toMatchObject({ status: 200 });
});

test('hundreds of groups are as many roles', async () => {
  const groups = Array.from({ length: 300 }, () => unique('g').slice(-12));
  const claims = somebody({ groups });
  expect((await current(claims)).status).toBe(200);
  expect(await rolesOf(claims.preferred_username)).toHaveLength(new Set(groups).size);
});

test('groups that are left out as there are too many are said to be, and change nothing', async () => {
  const claims = somebody({ groups: ['before'] });
  await current(claims);
  const { status, json } = await current({ ...claims, groups: undefined, _claim_names: { groups: 'src1' } });
  expect(status).toBe(403);
  expect(json.message).toContain('more groups than main tells');
  expect(await rolesOf(claims.preferred_username)).toEqual(['before']);
});

test('admin_group gives and takes the flag of users whom the provider has brought, and of no others', async () => {
  const claims = somebody({ groups: ['admins'], iat: now() - 20 });
  expect((await current(claims)).json.user.is_admin).toBe(true);
  expect((await current({ ...claims, groups: [], iat: now() - 10 })).json.user.is_admin).toBe(false);
  const local = await gateway.person();
  const linked = { sub: unique('subject'), preferred_username: local.username, groups: ['admins'] };
  await admin.patch(`${A2}/users/link`, { username: local.username, provider: 'main', subject: linked.sub });
  expect((await current(linked)).json.user.is_admin).toBe(false);
});

test('one who is disabled, or deleted, is refused on the next request', async () => {
  const claims = somebody();
  const user = await by(claims);
  const username = claims.preferred_username;
  expect((await user.get(`${A2}/users/current`)).status).toBe(200);
  await admin.patch(`${A2}/users/update-status`, { username, is_active: false });
  expect((await user.get(`${A2}/users/current`)).status).toBe(401);
  await admin.patch(`${A2}/users/update-status`, { username, is_active: true });
  const before = (await user.get(`${A2}/users/current`)).json.user.id;
  await admin.delete(`${A2}/users/delete`, { username });
  // Made anew, with nothing of the one before.
  const after = await user.get(`${A2}/users/current`);
  expect(after.status).toBe(200);
  expect(after.json.user.id).not.toBe(before);
});

test('a token makes none of this gateway that outlives it, and sets no password', async () => {
  const user = await by(somebody({ exp: now() + 100 }));
  const made = await user.post(`${A2}/users/tokens/create`, { name: 'x' });
  expect(made.json.token.expires_at).toBeLessThanOrEqual((now() + 101) * 1000);
  expect((await user.post(`${A2}/users/tokens/create`, { name: 'x', expires_in_seconds: 3600 })).status).toBe(
    403,
  );
  const { username } = (await user.get(`${A2}/users/current`)).json.user;
  const password = 'a password that is long enough';
  expect((await user.patch(`${A2}/users/update-password`, { username, password })).status).toBe(400);
});

test('what it does is in the audit log under its id, and so is each change that the provider makes', async () => {
  const claims = somebody({ groups: [unique('group')], jti: unique('jti') });
  await current(claims);
  const { username } = { username: claims.preferred_username };
  const entriesOf = async () => (await admin.get(`${A2}/audit/search?username=${username}`)).json.entries;
  // A sign-in is found at the latest a second later.
  await expect
    .poll(async () => (await entriesOf()).map((entry: { action: string }) => entry.action).toSorted(), {
      timeout: 10_000,
    })
    .toEqual(['create_user', 'follow_groups', 'link_user', 'sign_in']);
  const entries = await entriesOf();
  const signIn = entries.find((entry: { action: string }) => entry.action === 'sign_in');
  expect(signIn.credential).toEqual({ kind: 'oidc', id: `main/${claims.jti}` });
});

test('many requests at once with a token that is new make one user', async () => {
  const token = await provider.sign(somebody({ groups: [unique('group')] }));
  const answers = await Promise.all(Array.from({ length: 20 }, () => as(token).get(`${A2}/users/current`)));
  expect(new Set(answers.map(({ status, json }) => `${status} ${json.user.id}`)).size).toBe(1);
});

describe('a machine', () => {
  test('comes in as the service account that the claims of its token are mapped to', async () => {
    await admin.post(`${A2}/users/create`, { username: 'trainer', is_service: true });
    const claims = {
      sub: 'repo:acme/train:ref:refs/heads/main',
      repository: 'acme/train',
      ref: 'refs/heads/main',
    };
    const good = as(await ci.sign({ ...claims, azp: undefined, scope: undefined }, { typ: 'JWT' }));
    expect((await good.get(`${A2}/users/current`)).json.user).toMatchObject({
      username: 'trainer',
      is_service: true,
    });
    for (const wrong of [
      { ref: 'refs/heads/feature' },
      { repository: 'acme/train2' },
      { repository: ['acme/train'] },
      { ref: undefined },
    ]) {
      const { status, json } = await as(await ci.sign({ ...claims, ...wrong })).get(`${A2}/users/current`);
      expect({ status, told: json.message }).toMatchObject({
        status: 403,
        told: expect.stringContaining('no service account'),
      });
    }
  });

  test('is refused while the account is not there, or is a person', async () => {
    const token = await ci.sign({ sub: 'x', 'kubernetes.io': { namespace: 'ml' } });
    expect((await as(token).get(`${A2}/users/current`)).status).toBe(403);
    const password = 'a password that is long enough';
    await admin.post(`${A2}/users/create`, { username: 'watcher', password });
    expect((await as(token).get(`${A2}/users/current`)).status).toBe(403);
    await admin.delete(`${A2}/users/delete`, { username: 'watcher' });
    await admin.post(`${A2}/users/create`, { username: 'watcher', is_service: true });
    expect((await as(token).get(`${A2}/users/current`)).json.user.username).toBe('watcher');
    await admin.delete(`${A2}/users/delete`, { username: 'watcher' });
    expect((await as(token).get(`${A2}/users/current`)).status).toBe(403);
  });
});

describe('who may come', () => {
  const gatewayWith = (settings: Record<string, string>) =>
    openGateway({
      fake: true,
      settings: { oidc: { main: { issuer: provider.uri, audience: AUDIENCE, ...settings } } } as Settings,
    });

  test('with allowed_groups those alone who are in one of them', async () => {
    const opened = await gatewayWith({ allowed_groups: 'data, research' });
    const ask = async (groups: unknown) =>
      byToken(opened.gateway.url, await provider.sign(somebody({ groups }))).get(`${A2}/users/current`);
    expect((await ask(['research'])).status).toBe(200);
    expect((await ask('data')).status).toBe(200);
    for (const groups of [undefined, [], ['others'], 'data, research', [['data']]]) {
      expect((await ask(groups)).status).toBe(403);
    }
  });

  test('without create_users those alone who are linked', async () => {
    const opened = await gatewayWith({ create_users: 'false' });
    const claims = somebody();
    const user = byToken(opened.gateway.url, await provider.sign(claims));
    const { status, json } = await user.get(`${A2}/users/current`);
    expect({ status, told: json.message }).toEqual({
      status: 403,
      told: expect.stringContaining('link-user'),
    });
    const password = 'a password that is long enough';
    await opened.admin.post(`${A2}/users/create`, { username: 'alice', password });
    await opened.admin.patch(`${A2}/users/link`, {
      username: 'alice',
      issuer: provider.uri,
      subject: claims.sub,
    });
    expect((await user.get(`${A2}/users/current`)).json.user.username).toBe('alice');
  });

  test('under an email only if it is verified, and under no name that no user can have', async () => {
    const opened = await gatewayWith({ username_claim: 'email' });
    const ask = async (claims: JWTPayload) =>
      byToken(opened.gateway.url, await provider.sign({ sub: unique('s'), ...claims })).get(
        `${A2}/users/current`,
      );
    const email = 'Somebody@example.com';
    expect((await ask({ email })).status).toBe(403);
    expect((await ask({ email, email_verified: false })).status).toBe(403);
    expect((await ask({ email, email_verified: true })).json.user.username).toBe('somebody@example.com');
    for (const name of ['a:b', `${LOGGED_OUT_PREFIX}1`, '__user_1__', 'x'.repeat(300)]) {
      expect((await ask({ email: name, email_verified: true })).status).toBe(403);
    }
  });

  test('the last admin stays one without being in admin_group', async () => {
    const opened = await gatewayWith({ admin_group: 'admins' });
    const claims = somebody({ groups: ['admins'], iat: now() - 10 });
    const ask = async (more: JWTPayload) =>
      byToken(opened.gateway.url, await provider.sign({ ...claims, ...more })).get(`${A2}/users/current`);
    expect((await ask({})).json.user.is_admin).toBe(true);
    await opened.admin.patch(`${A2}/users/update-admin`, { username: 'admin', is_admin: false });
    expect((await ask({ groups: [], iat: now() })).json.user.is_admin).toBe(true);
  });
});

describe('a provider', () => {
  test('that changes its keys is followed, to a key that is new at once', async () => {
    const rotating = await startFakeProvider();
    const opened = await openGateway({
      fake: true,
      settings: { oidc: { main: { issuer: rotating.uri, audience: AUDIENCE } } },
    });
    const ask = async (token: string) =>
      (await byToken(opened.gateway.url, token).get(`${A2}/users/current`)).status;
    const next = await makeKey('next', 'ES256');
    rotating.keys = [next.publicJwk];
    expect(await ask(await rotating.sign(somebody(), {}, next))).toBe(200);
    expect(await ask(await rotating.sign(somebody()))).toBe(401);
    await rotating.close();
  });

  test('that does not answer stops neither the start nor others, and is not asked for each request', async () => {
    const slow = await startFakeProvider();
    slow.fails = 'error';
    let at = Date.now();
    const opened = await openGateway({
      fake: true,
      settings: {
        oidc: {
          slow: { issuer: slow.uri, audience: AUDIENCE },
          main: { issuer: provider.uri, audience: AUDIENCE },
        },
      },
    });
    const ask = async (token: string) => byToken(opened.gateway.url, token).get(`${A2}/users/current`);
    const away = await ask(await slow.sign(somebody()));
    expect(away.status).toBe(503);
    expect(away.headers['retry-after']).toBe('1');
    expect(away.json.message).toContain('slow');
    for (let count = 0; count < 5; count += 1) {
      expect((await ask(await slow.sign(somebody()))).status).toBe(503);
    }
    expect([...slow.asked.values()].reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(
      1 + (Date.now() - at) / AGAIN_AFTER_MS,
    );
    expect((await ask(await provider.sign(somebody()))).status).toBe(200);
    expect((await opened.admin.get(`${A2}/users/current`)).status).toBe(200);
    slow.fails = undefined;
    at = Date.now();
    await expect
      .poll(async () => (await ask(await slow.sign(somebody()))).status, { timeout: 15_000, interval: 500 })
      .toBe(200);
    await slow.close();
  });

  test('that names another issuer than its own, or garbage, is not believed', async () => {
    for (const spoil of [
      (each: FakeProvider) => {
        each.discovery = { issuer: provider.uri };
      },
      (each: FakeProvider) => {
        each.fails = 'garbage';
      },
      (each: FakeProvider) => {
        each.discovery = { jwks_uri: 'http://sso.example.com/keys' };
      },
    ]) {
      const odd = await startFakeProvider();
      spoil(odd);
      const opened = await openGateway({
        fake: true,
        settings: { oidc: { main: { issuer: odd.uri, audience: AUDIENCE } } },
      });
      expect(
        (await byToken(opened.gateway.url, await odd.sign(somebody())).get(`${A2}/users/current`)).status,
      ).toBe(503);
      await odd.close();
    }
  });
});

test('grants of a user whom a provider has brought are made as of any other', async () => {
  const claims = somebody();
  const user = await by(claims);
  await user.get(`${A2}/users/current`);
  await grantOn(admin, { ...admin, username: claims.preferred_username }, 'experiment', '7', 'READ');
  expect((await user.get(GET_EXPERIMENT)).status).toBe(200);
});
