/**
 * Sign-in in a browser by the certified provider: what comes back lets in the browser that has begun, once, and nobody
 * else; and a session lives no longer than the provider says.
 */
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readProviders } from '../../src/config/providers.ts';
import { openProviders } from '../../src/identity/oidc/provider.ts';
import { temporaryDirectory } from '../store/temporary.ts';
import { unique } from '../support/gateway.ts';
import { beginAt, CLIENT, type RealProvider, startRealProvider } from '../support/real-provider.ts';
import { type CookieJar, openJar } from '../support/sign-in.ts';
import { openGateway, useGateway } from '../support/use-gateway.ts';

const A2 = '/api/2.0/mlflow';
const A3 = '/api/3.0/mlflow';

let provider: RealProvider;
let other: RealProvider;
beforeAll(async () => {
  provider = await startRealProvider();
  other = await startRealProvider();
});
afterAll(async () => {
  await provider.close();
  await other.close();
});

const { gateway, admin } = useGateway({
  fake: (_, response) => response.end('{"experiment":{"experiment_id":"7"}}'),
  settings: async () => ({
    oidc: {
      op: { issuer: provider.uri, display_name: 'Our <b>IdP</b>', audience: 'mlflow', ...CLIENT },
      other: { issuer: other.uri, ...CLIENT },
    },
  }),
});
beforeAll(() => provider.serve(gateway.url));
beforeAll(() => other.serve(gateway.url));
beforeEach(() => {
  provider.isDown = false;
});

/** Somebody new, signed in at the provider. */
function somebody(groups: readonly string[] = []): string {
  const name = unique('sso');
  provider.people.set(name, { preferred_username: name, groups });
  provider.current = name;
  return name;
}

/** Signs out at the provider, in the browser with these cookies. */
async function leave({ uri }: RealProvider, cookies: Map<string, string>): Promise<void> {
  const header = () => ({ cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') });
  const page = await fetch(`${uri}/session/end`, { headers: header() });
  for (const cookie of page.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
    cookies.set(name, value);
  }
  const [, xsrf = ''] = /name="xsrf" value="([^"]+)"/.exec(await page.text()) ?? [];
  const left = await fetch(`${uri}/session/end/confirm`, {
    method: 'POST',
    redirect: 'manual',
    headers: { ...header(), 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ xsrf, logout: 'yes' }),
  });
  expect(left.status).toBe(303);
}

const current = (jar: CookieJar) => jar.send('GET', `${A2}/users/current`);
const open = () => openJar(gateway);

async function signedIn(groups: readonly string[] = []) {
  const [name, jar] = [somebody(groups), open()];
  const { status, text } = await jar.get(await beginAt(jar, gateway.url));
  expect({ status, text }).toEqual({ status: 303, text: '' });
  return { name, jar };
}

test('the sign-in page has a button for each provider, which leads there and back to the page that was asked for', async () => {
  const jar = open();
  const page = await jar.get('/auth/sign-in?next=/x?y=1');
  expect(page.text).toContain('href="/auth/oidc/op/start?next=%2Fx%3Fy%3D1"');
  expect(page.text).toContain('Sign in with Our &#60;b&#62;IdP&#60;/b&#62;');
  const name = somebody();
  expect(page.text).toContain(
    'data-with-fragment="/auth/oidc/op/start?next=%2Fauth%2Freturn%3Fnext%3D%252Fx%253Fy%253D1"',
  );
  const back = await jar.get(await beginAt(jar, gateway.url, '/x?y=1'));
  expect(back.status).toBe(303);
  expect(back.headers['location']).toBe('/x?y=1');
  const { json } = await current(jar);
  expect(json.user.username).toBe(name);
  expect(json.credential.kind).toBe('session');
});

test('the request to the provider has PKCE by S256, a state and a nonce, each of its own', async () => {
  const jar = open();
  const [one, two] = [await jar.get('/auth/oidc/op/start'), await jar.get('/auth/oidc/op/start')];
  const [first, second] = [one, two].map(({ headers }) => new URL(String(headers['location'])).searchParams);
  expect(first?.get('code_challenge_method')).toBe('S256');
  expect(first?.get('response_type')).toBe('code');
  expect(first?.get('redirect_uri')).toBe(`${gateway.url}/auth/oidc/op/callback`);
  for (const name of ['state', 'nonce', 'code_challenge']) {
    expect(first?.get(name)).toMatch(/^[\w-]{20,}$/);
    expect(first?.get(name)).not.toBe(second?.get(name));
  }
  const cookies = [one.headers['set-cookie']].flat();
  expect(cookies).toEqual([
    expect.stringMatching(/^mlflow-gateway-oidc-[\w-]+=[\w-]+; .*HttpOnly.*SameSite=Lax/i),
  ]);
  expect(cookies.join()).not.toContain(first?.get('nonce'));
});

describe('what comes back is refused, and nobody is signed in,', () => {
  async function refused(jar: CookieJar, target: string): Promise<void> {
    const answer = await jar.get(target);
    expect(answer.status).toBe(400);
    // What is sent twice is refused before it is looked at.
    expect(answer.text).toMatch(/Sign in again|must be sent once/);
    expect(jar.session).toBeUndefined();
  }

  /** Why the gateway itself refused the last of them, whatever the provider would have said. */
  const because = () => gateway.log.findLast(({ path }) => String(path).endsWith('/callback'))?.['because'];

  test('in another browser than the one that has begun', async () => {
    somebody();
    const jar = open();
    const back = await beginAt(jar, gateway.url);
    await refused(open(), back);
    // Nor where that one has begun a sign-in of its own: somebody would be signed in as another without noticing.
    const victim = open();
    await victim.get('/auth/oidc/op/start');
    await refused(victim, back);
  });

  test('a second time, in the same browser or with all of its cookies', async () => {
    somebody();
    const jar = open();
    const back = await beginAt(jar, gateway.url);
    const { header } = jar;
    expect((await jar.get(back)).status).toBe(303);
    const again = open();
    const asked = provider.tokenRequests();
    const answer = await again.get(back, { headers: { cookie: header } });
    expect(answer.status).toBe(400);
    await expect.poll(because).toBe('the state was used before');
    expect(provider.tokenRequests()).toBe(asked);
    expect(again.session).toBeUndefined();
  });

  test.each([
    ['without a state', (query: URLSearchParams) => query.delete('state')],
    ['with another state', (query: URLSearchParams) => query.set('state', 'x'.repeat(43))],
    ['with two states', (query: URLSearchParams) => query.append('state', 'another')],
    ['without the issuer', (query: URLSearchParams) => query.delete('iss')],
    ['with the issuer of another', (query: URLSearchParams) => query.set('iss', other.uri)],
    ['without a code', (query: URLSearchParams) => query.delete('code')],
    ['with a made-up code', (query: URLSearchParams) => query.set('code', 'made-up')],
    ['with two codes', (query: URLSearchParams) => query.append('code', 'another')],
  ])('%s', async (_, spoil) => {
    somebody();
    const jar = open();
    const [path = '', search] = (await beginAt(jar, gateway.url)).split('?');
    const query = new URLSearchParams(search);
    spoil(query);
    await refused(jar, `${path}?${query}`);
  });

  test('at the address of another provider (mix-up)', async () => {
    somebody();
    const jar = open();
    const back = await beginAt(jar, gateway.url);
    const asked = other.tokenRequests();
    await refused(jar, back.replace('/oidc/op/', '/oidc/other/'));
    await expect.poll(because).toBe('the state is not one that this browser has begun');
    // Which would have been handed the code.
    expect(other.tokenRequests()).toBe(asked);
  });

  test('with the code that was given to another browser', async () => {
    somebody();
    const [mine, theirs] = [open(), open()];
    const back = new URL(await beginAt(mine, gateway.url), gateway.url);
    const foreign = new URL(await beginAt(theirs, gateway.url), gateway.url);
    back.searchParams.set('code', foreign.searchParams.get('code') ?? '');
    await refused(mine, back.pathname + back.search);
  });
});

test('an error of the provider is told as none of its words, and local sign-in stands beside it', async () => {
  const jar = open();
  const begun = await jar.get('/auth/oidc/op/start');
  const state = new URL(String(begun.headers['location'])).searchParams.get('state');
  const query = new URLSearchParams({
    error: 'access_denied',
    error_description: '<script>',
    state: state ?? '',
    iss: provider.uri,
  });
  const { status, text } = await jar.get(`/auth/oidc/op/callback?${query}`);
  expect(status).toBe(403);
  expect(text).toContain('was not completed');
  expect(text).not.toContain('<script>');
  expect(text).toContain('name="password"');
});

test.each([
  '//evil.example.com',
  '/\\evil.example.com',
  '/%09/evil.example.com',
  'https://evil.example.com',
  '/\t/evil.example.com',
  '/x\r\nSet-Cookie: a=b',
  '//user@evil.example.com/',
])('after it one comes to no other place: %j', async (next) => {
  somebody();
  const jar = open();
  const { headers } = await jar.get(await beginAt(jar, gateway.url, next));
  const location = String(headers['location']);
  expect(new URL(location, gateway.url).origin).toBe(gateway.url);
  expect(location).not.toMatch(/^\/[/\\]|[\r\n]/);
});

test('a page that has a browser begin sign-ins without end does not keep its user out', async () => {
  somebody();
  const jar = open();
  const next = `/x?${'x'.repeat(1_490)}`;
  for (let count = 0; count < 30; count += 1) {
    await beginAt(jar, gateway.url, next);
  }
  // A server takes a head of some kilobytes, a browser no cookie of more than four (RFC 6265, section 6.1).
  expect(jar.header.length).toBeLessThan(12_000);
  const { status, headers } = await jar.get(await beginAt(jar, gateway.url, next));
  expect({ status, to: headers['location'] }).toEqual({ status: 303, to: next });
  const long = await open().get(`/auth/oidc/op/start?next=/x?${'x'.repeat(5_000)}`);
  expect(String(long.headers['set-cookie']).length).toBeLessThan(4_096);
});

test('a session that a browser had before ends, and the new one has another secret (fixation)', async () => {
  const { jar } = await signedIn();
  const before = jar.session;
  const old = jar.header;
  somebody();
  await jar.get(await beginAt(jar, gateway.url));
  expect(jar.session).not.toBe(before);
  const { status } = await gateway.anonymous.get(`${A2}/users/current`, { headers: { cookie: old } });
  expect(status).toBe(401);
});

test('rights come by group, and one is refused who is disabled', async () => {
  const group = unique('group');
  const made = await admin.post(`${A3}/roles/create`, { name: group, workspace: 'default', provider: 'op' });
  await admin.post(`${A3}/roles/permissions/add`, {
    ...{ role_id: made.json.role.id, resource_type: 'experiment', resource_pattern: '7', permission: 'READ' },
  });
  const { name, jar } = await signedIn([group]);
  const get = () => jar.send('GET', `${A2}/experiments/get?experiment_id=7`);
  expect((await get()).status).toBe(200);
  provider.people.set(name, { preferred_username: name, groups: [] });
  await jar.get(await beginAt(jar, gateway.url));
  expect((await get()).status).toBe(403);
  await admin.patch(`${A2}/users/update-status`, { username: name, is_active: false });
  expect((await get()).status).toBe(401);
  const again = await jar.get(await beginAt(jar, gateway.url));
  expect(again.status).toBe(401);
  expect(again.text).toContain('You may not sign in here');
});

test('one who is called as a user of this gateway is told so, and is not signed in', async () => {
  const local = await gateway.person();
  provider.people.set('subject', { preferred_username: local.username });
  provider.current = 'subject';
  const jar = open();
  const { status, text } = await jar.get(await beginAt(jar, gateway.url));
  expect(status).toBe(403);
  expect(text).toContain('link-user USERNAME op');
  expect(jar.session).toBeUndefined();
});

test('a provider that is away is said to be, and passwords go on to work', async () => {
  const down = await startRealProvider();
  const opened = await openGateway({
    fake: true,
    settings: { oidc: { op: { issuer: down.uri, ...CLIENT } } },
  });
  const jar = openJar(opened.gateway);
  const { status, text } = await jar.get('/auth/oidc/op/start');
  expect(status).toBe(503);
  expect(text).toContain('does not answer');
  const signIn = await jar.submit('/auth/sign-in', opened.admin);
  expect(signIn.status).toBe(303);
  await down.close();
});

test('no token of the provider stands in the store, the log or the audit log', async () => {
  const { jar } = await signedIn();
  const { id } = (await jar.send('GET', `${A2}/users/sessions/list`)).json.sessions[0].session_id
    ? { id: (await jar.send('GET', `${A2}/users/sessions/list`)).json.sessions[0].session_id }
    : { id: '' };
  const kept = await gateway.server.store.providerSessions.get(id);
  expect(kept?.refreshToken).toMatch(/^[\w-]{60,}$/);
  expect(kept?.idToken).toMatch(/^[\w-]{200,}$/);
  const entries = await gateway.server.store.audit.search({}, 1000);
  expect(JSON.stringify([gateway.log, entries])).not.toMatch(/eyJ[\w-]+\.eyJ/);
});

test('one whom a provider has brought is asked for no password to change, and told where it is kept', async () => {
  const { jar } = await signedIn();
  const { user } = (await current(jar)).json;
  expect(user).toMatchObject({ has_password: false, providers: ['Our <b>IdP</b>'] });
  const { text } = await jar.get('/auth/password');
  expect(text).not.toContain('type="password"');
  expect(text).toContain('it is kept at Our &#60;b&#62;IdP&#60;/b&#62;. Change it there.');
  const local = await gateway.person('alice');
  expect((await local.get(`${A2}/users/current`)).json.user).toMatchObject({
    ...{ has_password: true, providers: [] },
  });
  expect((await local.get('/auth/password')).text).toContain('type="password"');
});

test('one whom a provider has brought has no password, and none can be guessed or set without an admin', async () => {
  const { name, jar } = await signedIn();
  for (const current_password of ['', '!', 'a guess']) {
    const sent = { username: name, password: 'a password that is long enough', current_password };
    const headers = { 'content-type': 'application/json', origin: gateway.url };
    const answer = await jar.send('PATCH', `${A2}/users/update-password`, {
      raw: JSON.stringify(sent),
      headers,
    });
    expect(answer.status).toBe(400);
  }
  expect((await gateway.as(name, '!').get(`${A2}/users/current`)).status).toBe(401);
});

test('one who is unlinked is signed out at once', async () => {
  const { name, jar } = await signedIn();
  await admin.patch(`${A2}/users/link`, { username: name, provider: 'op', subject: null });
  expect((await current(jar)).status).toBe(401);
});

test('check-config tells whether the provider takes the redirect URI', async () => {
  const [known] = openProviders(
    readProviders(
      new Map([
        [
          'op',
          new Map(
            Object.entries({ issuer: provider.uri, client_id: 'gateway' }).map(([key, text]) => [
              key,
              { text, origin: key },
            ]),
          ),
        ],
      ]),
    ).providers,
    Date.now,
  );
  await expect(known?.look(`${gateway.url}/auth/oidc/op/callback`)).resolves.toContain(
    'it takes the redirect URI',
  );
  await expect(known?.look('https://another.example.com/callback')).rejects.toThrow('answers 400');
  await known?.close();
});

describe('a session', () => {
  test('ends there too when its user leaves, by a page that leads on', async () => {
    const { jar } = await signedIn();
    const answer = await jar.send('POST', '/auth/sign-out', {
      headers: { origin: gateway.url, 'content-type': 'application/x-www-form-urlencoded' },
      raw: '',
    });
    expect(answer.status).toBe(200);
    const [, address = ''] = /url=([^"]+)"/.exec(answer.text) ?? [];
    const leaving = new URL(address.replaceAll('&#38;', '&'));
    expect(leaving.origin).toBe(provider.uri);
    expect(leaving.searchParams.get('post_logout_redirect_uri')).toBe(`${gateway.url}/auth/sign-in`);
    expect(leaving.searchParams.get('id_token_hint')).toMatch(/^eyJ/);
    expect((await current(jar)).status).toBe(401);
  });

  test('ends when the provider says that it has (back-channel)', async () => {
    const cookies = new Map<string, string>();
    const [name, jar] = [somebody(), open()];
    await jar.get(await beginAt(jar, gateway.url, '/', cookies));
    expect((await current(jar)).json.user.username).toBe(name);
    await leave(provider, cookies);
    await expect.poll(async () => (await current(jar)).status).toBe(401);
  });
});

describe('the gateway proves to be the client', () => {
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keyFile = () => {
    const file = join(temporaryDirectory(), 'client.pem');
    writeFileSync(file, key.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    return file;
  };
  const jwks = { keys: [{ ...key.publicKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' }] };

  test.each([
    [
      'by a key',
      () => ({ client_key_file: keyFile() }),
      { token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: 'ES256', jwks },
      303,
    ],
    ['not at all, as a public one', () => ({}), { token_endpoint_auth_method: 'none' }, 303],
    ['by no wrong secret', () => ({ client_secret: 'another' }), { client_secret: 'right' }, 400],
  ])('%s', async (_, set, client, status) => {
    const own = await startRealProvider();
    const opened = await openGateway({
      fake: true,
      settings: { oidc: { op: { issuer: own.uri, client_id: 'gateway', ...set() } } },
    });
    await own.serve(opened.gateway.url, { client_id: 'gateway', ...client });
    own.people.set('p', { preferred_username: 'p' });
    own.current = 'p';
    const jar = openJar(opened.gateway);
    const answer = await jar.get(await beginAt(jar, opened.gateway.url));
    expect(answer.status).toBe(status);
    expect(jar.session === undefined).toBe(status !== 303);
    await own.close();
  });
});

describe('where the provider sends browsers back to', () => {
  const startedWith = async (settings: object, headers: Record<string, string> = {}, prefix = '') => {
    const opened = await openGateway({
      fake: true,
      settings: { ...settings, oidc: { op: { issuer: provider.uri, ...CLIENT } } },
    });
    const answer = await opened.gateway.anonymous.get(`${prefix}/auth/oidc/op/start`, {
      headers: { accept: 'text/html', ...headers },
    });
    const uri = new URL(String(answer.headers['location'])).searchParams.get('redirect_uri');
    return { uri, cookie: [answer.headers['set-cookie']].flat().join(), url: opened.gateway.url };
  };
  const FORWARDED = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'mlflow.example.com' };

  test('is what a trusted proxy was asked for, by https, with a cookie of this host alone', async () => {
    const { uri, cookie } = await startedWith({ trusted_proxies: '127.0.0.1' }, FORWARDED);
    expect(uri).toBe('https://mlflow.example.com/auth/oidc/op/callback');
    expect(cookie).toMatch(/^__Host-mlflow-gateway-oidc-[^;]+;.*Path=\/;.*Secure/i);
  });

  test('is not what anybody else says', async () => {
    const { uri, url } = await startedWith({}, FORWARDED);
    expect(uri).toBe(`${url}/auth/oidc/op/callback`);
  });

  test('is public_url where that is set, whatever the Host, below the static prefix', async () => {
    const settings = { public_url: 'https://mlflow.example.com', static_prefix: '/mlflow' };
    const { uri } = await startedWith(settings, { host: 'evil.example.com' }, '/mlflow');
    expect(uri).toBe('https://mlflow.example.com/mlflow/auth/oidc/op/callback');
  });
});
