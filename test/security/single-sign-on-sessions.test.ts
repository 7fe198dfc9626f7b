/** A session that began at a provider lives no longer than that says, on every gateway, and ends by its word alone. */
import { randomBytes } from 'node:crypto';
import type { JWTPayload } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { beginSession } from '../../src/admin/deeds/sessions.ts';
import { changingBy } from '../../src/audit/changing.ts';
import { hashOf } from '../../src/identity/token-secret.ts';
import { temporaryUri } from '../store/temporary.ts';
import { type Person, type TestGateway, unique } from '../support/gateway.ts';
import { type FakeProvider, startFakeProvider } from '../support/provider.ts';
import { beginAt, CLIENT, type RealProvider, startRealProvider } from '../support/real-provider.ts';
import { type CookieJar, openJar } from '../support/sign-in.ts';
import { openGateway } from '../support/use-gateway.ts';

const A2 = '/api/2.0/mlflow';
const A3 = '/api/3.0/mlflow';
const CHECKED_MS = 30_000;

describe('what a provider said is over after a while:', () => {
  let provider: RealProvider;
  let gateways: readonly [TestGateway, TestGateway];
  let admin: Person;
  /** One more gateway on the same store, which knows nothing yet. */
  let another: () => Promise<TestGateway>;

  beforeAll(async () => {
    // The shortest after which the gateway asks again.
    provider = await startRealProvider(CHECKED_MS / 1000);
  });
  afterAll(() => provider.close());
  beforeEach(async () => {
    provider.isDown = false;
    provider.downStatus = 500;
    const settings = {
      database_uri: temporaryUri(),
      oidc: { op: { issuer: provider.uri, admin_group: 'admins', ...CLIENT } },
    };
    const opened = await openGateway({ fake: true, settings });
    gateways = [opened.gateway, await opened.another(settings)];
    another = () => opened.another(settings);
    admin = opened.admin;
    await provider.serve(gateways[0].url);
  });

  async function signedIn(groups: readonly string[] = []) {
    const name = unique('sso');
    provider.people.set(name, { preferred_username: name, groups });
    provider.current = name;
    const jar = openJar(gateways[0]);
    expect((await jar.get(await beginAt(jar, gateways[0].url))).status).toBe(303);
    const { sessions } = (await jar.send('GET', `${A2}/users/sessions/list`)).json;
    return { name, jar, sessionId: sessions[0].session_id as string };
  }

  /** Has what was said of a session be over now, as its time would. */
  async function over(sessionId: string): Promise<void> {
    const { providerSessions } = gateways[0].server.store;
    const session = await providerSessions.get(sessionId);
    if (session === undefined) {
      throw new Error('there is no such session');
    }
    await providerSessions.checked(sessionId, { ...session, checkAt: Date.now() - 1 });
  }

  const ask = (gateway: TestGateway, jar: CookieJar) =>
    gateway.anonymous.get(`${A2}/users/current`, { headers: { cookie: jar.header } });

  test('it is asked once, however many requests and gateways wait for it, and groups are as it says now', async () => {
    const { name, jar, sessionId } = await signedIn(['before']);
    provider.people.set(name, { preferred_username: name, groups: ['after'] });
    await over(sessionId);
    const before = provider.tokenRequests();
    // The second gateway has not seen the session before; the first knows it by when it is to be checked.
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(gateways[1], jar)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(provider.tokenRequests()).toBe(before + 1);
    const { roles } = (await admin.get(`${A3}/users/roles/list?username=${name}`)).json;
    expect(roles.map((role: { name: string }) => role.name)).toEqual(['after']);
    const kept = await gateways[0].server.store.providerSessions.get(sessionId);
    expect(kept?.checkAt).toBeGreaterThan(Date.now());
  });

  test('what it takes away counts for the request that asked, and for those that waited with it', async () => {
    const { name, jar, sessionId } = await signedIn(['admins']);
    expect((await ask(gateways[1], jar)).json.user.is_admin).toBe(true);
    provider.people.set(name, { preferred_username: name, groups: [] });
    const other = await another();
    await over(sessionId);
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(other, jar)));
    expect(answers.map(({ json }) => json.user.is_admin)).toEqual(answers.map(() => false));
  });

  test('two gateways that ask at the same time show the token once: a second time is taken for a thief’s', async () => {
    const { jar, sessionId } = await signedIn();
    await over(sessionId);
    const other = await another();
    const before = provider.tokenRequests();
    const answers = await Promise.all([
      ...Array.from({ length: 5 }, () => ask(gateways[1], jar)),
      ...Array.from({ length: 5 }, () => ask(other, jar)),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(provider.tokenRequests()).toBe(before + 1);
    await over(sessionId);
    expect((await ask(await another(), jar)).status).toBe(200);
  });

  test('one whom it does not know any more is signed out at the next request, and stays so', async () => {
    const { name, jar, sessionId } = await signedIn();
    provider.people.delete(name);
    await over(sessionId);
    expect((await ask(gateways[1], jar)).status).toBe(401);
    expect((await ask(gateways[0], jar)).status).toBe(401);
    provider.people.set(name, { preferred_username: name });
    expect((await ask(gateways[1], jar)).status).toBe(401);
    const { entries } = (await admin.get(`${A2}/audit/search?username=${name}&action=delete_session`)).json;
    expect(entries).toHaveLength(1);
    expect(entries[0].because).toContain('invalid_grant');
  });

  test('none begins for one who was unlinked since the provider was believed', async () => {
    const { name, sessionId } = await signedIn();
    const { store } = gateways[0].server;
    const [user, session] = [await store.users.get(name), await store.providerSessions.get(sessionId)];
    if (!user || !session) {
      throw new Error('something is missing');
    }
    const parts = { lifeMs: 1e9, idleMs: 1e9, clock: Date.now, random: randomBytes };
    const begin = () =>
      beginSession(
        changingBy(store, async () => {}),
        parts,
        {
          ...{ userId: user.id, by: { kind: 'oidc', id: 'op' }, still: () => true, ip: '127.0.0.1' },
          ...{ userAgent: undefined, former: undefined, there: { lifeMs: undefined, session } },
        },
      );
    expect(await begin()).toBeDefined();
    await store.identities.unlink(user.id, session.issuer);
    expect(await begin()).toBeUndefined();
  });

  test('one whom it means another user by now is signed out, not left in the session of the first', async () => {
    const { name, jar, sessionId } = await signedIn();
    const { store } = gateways[0].server;
    const session = await store.sessions.get(sessionId);
    const there = await store.providerSessions.get(sessionId);
    const [first, second] = [await store.users.get(name), await gateways[0].person(unique('second'))];
    const other = await store.users.get(second.username);
    if (!session || !there || !first || !other) {
      throw new Error('something is missing');
    }
    // As a sign-in does that was under way when its user was unlinked.
    await store.identities.unlink(first.id, there.issuer);
    await store.identities.link({ ...there, userId: other.id, isBrought: false });
    const times = { lifeMs: 1e9, idleMs: 1e9, ip: undefined, userAgent: undefined };
    await store.sessions.create({
      id: sessionId,
      userId: first.id,
      hash: hashOf(jar.session ?? ''),
      ...times,
    });
    await store.providerSessions.add({ ...there, checkAt: Date.now() - 1 });
    expect((await ask(await another(), jar)).status).toBe(401);
    expect(await store.sessions.get(sessionId)).toBeUndefined();
  });

  test('when it answers by halves, its new token is kept: the old one is good once', async () => {
    const { name, jar, sessionId } = await signedIn();
    // Groups that are in no id token are asked for elsewhere.
    provider.people.set(name, { preferred_username: name });
    await over(sessionId);
    provider.isDownAt = '/me';
    expect((await ask(gateways[1], jar)).status).toBe(503);
    provider.isDownAt = undefined;
    expect((await ask(gateways[1], jar)).status).toBe(200);
  });

  test.each([
    ['it does not answer', 500],
    ['it has been asked too much', 429],
  ])('while %s the session opens nothing, and goes on when it does', async (_, status) => {
    const { jar, sessionId } = await signedIn();
    provider.downStatus = status;
    provider.isDown = true;
    await over(sessionId);
    expect((await ask(gateways[1], jar)).status).toBe(503);
    expect((await admin.get(`${A2}/users/current`)).status).toBe(200);
    provider.isDown = false;
    await expect.poll(async () => (await ask(gateways[1], jar)).status, { timeout: 10_000 }).toBe(200);
  });
});

describe('a word that a session has ended counts for nothing', () => {
  let provider: FakeProvider;
  beforeAll(async () => {
    provider = await startFakeProvider();
  });
  afterAll(() => provider.close());

  const EVENTS = { 'http://schemas.openid.net/event/backchannel-logout': {} };
  const good = () => ({
    ...{ aud: CLIENT.client_id, sub: 'somebody', jti: unique('jti'), events: EVENTS },
    azp: undefined,
    scope: undefined,
  });

  test('unless it is a logout token of the provider, for this client, new and said once', async () => {
    const stranger = await startFakeProvider();
    const { gateway, admin } = await openGateway({
      fake: true,
      settings: { oidc: { op: { issuer: provider.uri, ...CLIENT } } },
    });
    const { store } = gateway.server;
    const user = await store.users.create({ username: 'somebody', passwordHash: '', isAdmin: false });
    const now = Math.floor(Date.now() / 1000);
    async function session(sid: string | null = 'there'): Promise<string> {
      const id = unique('session');
      const one = {
        id,
        userId: user.id,
        hash: id,
        lifeMs: 1e9,
        idleMs: 1e9,
        ip: undefined,
        userAgent: undefined,
      };
      await store.sessions.create(one);
      await store.providerSessions.add({
        ...{ sessionId: id, issuer: `${provider.uri}/`, subject: 'somebody', sid: sid ?? undefined },
        ...{ refreshToken: undefined, idToken: undefined, checkAt: Date.now() + 1e9 },
      });
      return id;
    }
    const say = (token: string) =>
      gateway.anonymous.send('POST', '/auth/oidc/op/back-channel-logout', {
        raw: new URLSearchParams({ logout_token: token }).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      });
    const id = await session();
    for (const [claims, header] of [
      [{ events: undefined }, {}],
      [{ events: { other: {} } }, {}],
      [{ nonce: 'n' }, {}],
      [{ aud: 'another' }, {}],
      [{ iss: 'https://sso.example.com' }, {}],
      [{ sub: undefined }, {}],
      [{ jti: undefined }, {}],
      [{ iat: now - 1000, exp: now + 1000 }, {}],
      [{}, { typ: 'at+jwt' }],
    ] as const) {
      expect(
        (
          await say(
            await provider.sign({ ...good(), ...claims } as JWTPayload, { typ: 'logout+jwt', ...header }),
          )
        ).status,
      ).toBe(400);
    }
    expect(
      (await say(await stranger.sign({ ...good(), iss: provider.uri }, { typ: 'logout+jwt' }))).status,
    ).toBe(400);
    expect((await say('')).status).toBe(400);
    expect(await store.sessions.get(id)).toBeDefined();
    const token = await provider.sign(good(), { typ: 'logout+jwt' });
    expect((await say(token)).status).toBe(200);
    expect(await store.sessions.get(id)).toBeUndefined();
    const next = await session();
    expect((await say(token)).status).toBe(400);
    expect(await store.sessions.get(next)).toBeDefined();
    // By the session there, and no other of its user, but for one that may be it.
    const unnamed = await session(null);
    const other = await provider.sign({ ...good(), sid: 'elsewhere' }, { typ: 'logout+jwt' });
    expect((await say(other)).status).toBe(200);
    expect(await store.sessions.get(next)).toBeDefined();
    expect(await store.sessions.get(unnamed)).toBeUndefined();
    expect((await admin.get(`${A2}/users/current`)).status).toBe(200);
    await stranger.close();
  });
});
