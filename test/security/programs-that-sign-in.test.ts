/**
 * A program that a user allows to sign in gets one token, of that user, once: whoever sees the code on its way, makes up an
 * address to send it to, or has a browser send what its user has not confirmed, gets none.
 */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { temporaryUri } from '../store/temporary.ts';
import {
  type Asked,
  allow,
  BACK,
  CHALLENGE,
  goesOnTo,
  pageFor,
  REDEEM,
  redeem,
  STATE,
  VERIFIER,
} from '../support/allow-program.ts';
import { type Browsers, installBrowsers } from '../support/browser.ts';
import type { Person } from '../support/gateway.ts';
import { listen } from '../support/listen.ts';
import { sharedPostgresql } from '../support/shared-postgresql.ts';
import { type CookieJar, openJar, plain, signInByPage } from '../support/sign-in.ts';
import { byToken } from '../support/tokens.ts';
import { openGateway, useGateway } from '../support/use-gateway.ts';

const A2 = '/api/2.0/mlflow';
const { gateway, admin, another } = useGateway({ fake: true });

async function signedIn(): Promise<{ readonly alice: Person; readonly jar: CookieJar }> {
  const alice = await gateway.person('alice');
  return { alice, jar: await signInByPage(gateway, alice) };
}

const tokensOf = async ({ username }: Person) =>
  (await admin.get(`${A2}/users/tokens/list?username=${username}`)).json.tokens;

describe('what its user sees and confirms', () => {
  test('names who, what, how long, where to and where from, and brings a token of that user', async () => {
    const { alice, jar } = await signedIn();
    const page = await jar.get(pageFor({ expires_in_seconds: '86400' }));
    expect(page.status).toBe(200);
    for (const fact of [alice.username, 'login on laptop', '1 day', 'at 127.0.0.1:4321', '127.0.0.1</dd>']) {
      expect(plain(page.text)).toContain(fact);
    }
    const answer = await jar.submit(pageFor({ expires_in_seconds: '86400' }), { answer: 'yes' });
    const to = goesOnTo(answer);
    expect(`${to?.origin}${to?.pathname} ${to?.searchParams.get('state')}`).toBe(`${BACK} ${STATE}`);
    expect(answer.headers['cache-control']).toBe('no-store');
    const got = await redeem(gateway, to?.searchParams.get('code') ?? '');
    expect(got.status).toBe(200);
    expect(got.headers['cache-control']).toBe('no-store');
    expect(got.json.token).toMatchObject({
      ...{ name: 'login on laptop', username: alice.username, created_by: alice.username, scope: null },
    });
    expect(got.json.token.expires_at - got.json.token.created_at).toBe(86_400_000);
    const who = await byToken(gateway.url, got.json.secret).get(`${A2}/users/current`);
    expect(who.json.user.username).toBe(alice.username);
  });

  test('who is not signed in comes to the sign-in page first, and from there back', async () => {
    const alice = await gateway.person('alice');
    const jar = openJar(gateway);
    const to = String((await jar.get(pageFor())).headers['location']);
    expect(to).toMatch(/^\/auth\/sign-in\?next=/);
    const back = await jar.submit(to, { username: alice.username, password: alice.password });
    expect(back.headers['location']).toBe(pageFor());
  });

  test('a code that is carried over by hand is shown, and good for no program that listens', async () => {
    const { jar } = await signedIn();
    const code = await allow(jar, { redirect_uri: undefined });
    expect(code).not.toBe('');
    expect((await redeem(gateway, code, { redirect_uri: undefined })).status).toBe(200);
    const another = await allow(jar, { redirect_uri: undefined });
    expect((await redeem(gateway, another)).status).toBe(401);
  });

  test('a name is text on the page', async () => {
    const { jar } = await signedIn();
    const { text } = await jar.get(pageFor({ name: '"><script>hacked()</script>' }));
    expect(text).not.toContain('<script');
    expect(text).toContain('&#60;script&#62;');
  });

  test('who cancels gives nothing away, and the program is told', async () => {
    const { alice, jar } = await signedIn();
    for (const answer of ['no', '', 'maybe']) {
      const to = goesOnTo(await jar.submit(pageFor(), { answer }));
      expect([...(to?.searchParams ?? [])]).toEqual([
        ['error', 'access_denied'],
        ['state', STATE],
      ]);
    }
    expect(
      goesOnTo(await jar.submit(pageFor({ redirect_uri: undefined }), { answer: 'no' })),
    ).toBeUndefined();
    expect(await tokensOf(alice)).toEqual([]);
  });
});

describe('what is asked for', () => {
  test.each([
    'https://evil.example/signed-in',
    'http://evil.example/signed-in',
    'http://localhost:4321/signed-in',
    'http://127.0.0.1.evil.example:4321/signed-in',
    'http://127.0.0.1@evil.example:4321/signed-in',
    'http://evil.example#@127.0.0.1:4321/signed-in',
    'http://evil.example\\@127.0.0.1:4321/signed-in',
    'http://user:pass@127.0.0.1:4321/signed-in',
    'http://127.0.0.2:4321/signed-in',
    'http://127.1:4321/signed-in',
    'http://2130706433:4321/signed-in',
    'http://0.0.0.0:4321/signed-in',
    'http://[::]:4321/signed-in',
    'http://[::ffff:127.0.0.1]:4321/signed-in',
    'http://127.0.0.1/signed-in',
    'http://127.0.0.1:99999/signed-in',
    'http://127.0.0.1:04321/signed-in',
    'http://127.0.0.1:4321/',
    'http://127.0.0.1:4321/signed-in/../admin/delete',
    'http://127.0.0.1:4321/signed-in?x=1',
    'http://127.0.0.1:4321/signed-in#x',
    'http://127.0.0.1:4321/signed-in\n',
    'https://127.0.0.1:4321/signed-in',
    'HTTP://127.0.0.1:4321/signed-in',
    '//127.0.0.1:4321/signed-in',
    'javascript:alert(1)',
    'urn:ietf:wg:oauth:2.0:oob',
    '',
  ])('a redirect to %j is refused, on the page and to who confirms it', async (redirect_uri) => {
    const { jar } = await signedIn();
    expect((await jar.get(pageFor({ redirect_uri }))).status).toBe(400);
    const { text } = await jar.get(pageFor());
    const [, csrf_token = ''] = /name="csrf_token" value="([^"]*)"/.exec(text) ?? [];
    const sent = await jar.send('POST', pageFor({ redirect_uri }), {
      raw: new URLSearchParams({ csrf_token, answer: 'yes' }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect([sent.status, goesOnTo(sent)]).toEqual([400, undefined]);
  });

  test('one to ::1 is none', async () => {
    const { jar } = await signedIn();
    expect((await jar.get(pageFor({ redirect_uri: 'http://[::1]:4321/signed-in' }))).status).toBe(200);
  });

  test.each<[string, Asked]>([
    ['no challenge', { code_challenge: undefined }],
    ['a challenge that is none', { code_challenge: 'short' }],
    ['a challenge that is the verifier', { code_challenge_method: 'plain' }],
    ['no method', { code_challenge_method: undefined }],
    ['no state', { state: undefined }],
    ['a state that is guessed', { state: '1' }],
    ['a state with markup', { state: '"><script>hacked()</script>' }],
    ['no name', { name: '' }],
    ['a name with control characters', { name: 'x\u001b[31m' }],
    ['a longer life than any token has', { expires_in_seconds: String(366 * 86_400) }],
    ['a life without end', { expires_in_seconds: '0' }],
    ['no life', { expires_in_seconds: '-1' }],
  ])('%s is refused', async (_, asked) => {
    const { jar } = await signedIn();
    expect((await jar.get(pageFor(asked))).status).toBe(400);
    expect((await jar.submit(pageFor(asked), { answer: 'yes' })).status).toBe(400);
  });
});

describe('a code', () => {
  test('counts once, however it is written', async () => {
    const { alice, jar } = await signedIn();
    const code = await allow(jar);
    const last = code.slice(-1);
    // Two or four of the bits of the last character may be nobody's.
    const alike = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].filter(
      (each) =>
        Buffer.from(code, 'base64url').equals(Buffer.from(code.slice(0, -1) + each, 'base64url')) &&
        each !== last,
    );
    const written = [
      ...[
        `${code}=`,
        `${code}==`,
        ` ${code}`,
        `${code}\n`,
        `${code}.`,
        `${code.slice(0, 9)}!${code.slice(9)}`,
      ],
      ...[code.replaceAll('-', '+').replaceAll('_', '/'), ...alike.map((each) => code.slice(0, -1) + each)],
    ].filter((each) => each !== code);
    for (const each of written) {
      expect([each, (await redeem(gateway, each)).status]).toEqual([each, 401]);
    }
    expect((await redeem(gateway, code)).status).toBe(200);
    for (const each of written) {
      expect([each, (await redeem(gateway, each)).status]).toEqual([each, 401]);
    }
    expect(await tokensOf(alice)).toHaveLength(1);
  });

  test('counts once, whatever comes with it, and however many come at the same time', async () => {
    const { alice, jar } = await signedIn();
    const code = await allow(jar);
    const answers = await Promise.all(Array.from({ length: 10 }, () => redeem(gateway, code)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(9).fill(401)]);
    expect(await tokensOf(alice)).toHaveLength(1);
  });

  test.each<[string, Asked]>([
    ['another verifier', { code_verifier: randomBytes(32).toString('base64url') }],
    ['the challenge as verifier', { code_verifier: CHALLENGE }],
    ['another redirect', { redirect_uri: 'http://127.0.0.1:4322/signed-in' }],
    ['no redirect', { redirect_uri: undefined }],
  ])('with %s brings nothing, and nothing any more', async (_, more) => {
    const { alice, jar } = await signedIn();
    const code = await allow(jar);
    const tried = await redeem(gateway, code, more);
    expect([tried.status, tried.json.error_code]).toEqual([401, 'UNAUTHENTICATED']);
    expect((await redeem(gateway, code)).status).toBe(401);
    expect(await tokensOf(alice)).toEqual([]);
  });

  test('that is changed, or made up, or sealed for something else, brings nothing', async () => {
    const { alice, jar } = await signedIn();
    const code = await allow(jar);
    const other = `${code.startsWith('A') ? 'B' : 'A'}${code.slice(1)}`;
    const sso = jar.header;
    for (const tried of ['x', other, `${code}A`, code.slice(0, -2), 'A'.repeat(code.length), sso]) {
      expect([tried, (await redeem(gateway, tried)).status]).toEqual([tried, 401]);
    }
    for (const tried of [null, 7, ['x'], {}]) {
      expect((await gateway.anonymous.post(REDEEM, { code: tried, code_verifier: VERIFIER })).status).toBe(
        400,
      );
    }
    expect(await tokensOf(alice)).toEqual([]);
    expect((await redeem(gateway, code)).status).toBe(200);
  });

  test('brings the token of who has allowed it, whoever sends it', async () => {
    const [{ alice, jar }, bob] = [await signedIn(), await gateway.person('bob')];
    const code = await allow(jar);
    const { json } = await bob.post(REDEEM, { code, code_verifier: VERIFIER, redirect_uri: BACK });
    expect(json.token).toMatchObject({ username: alice.username, created_by: alice.username });
    expect(await tokensOf(bob)).toEqual([]);
  });

  const ends: readonly (readonly [
    string,
    (alice: Person, jar: CookieJar) => Promise<{ readonly status: number } | undefined>,
  ])[] = [
    [
      'its user is disabled',
      ({ username }) => admin.patch(`${A2}/users/update-status`, { username, is_active: false }),
    ],
    ['its user is deleted', ({ username }) => admin.delete(`${A2}/users/delete`, { username })],
    [
      'the password is changed',
      ({ username }) =>
        admin.patch(`${A2}/users/update-password`, { username, password: 'set by somebody else' }),
    ],
    ['the browser signs out', (_, jar) => jar.send('POST', '/auth/sign-out')],
    [
      'the session is ended by an admin',
      async ({ username }) => {
        const { json } = await admin.get(`${A2}/users/sessions/list?username=${username}`);
        for (const { session_id } of json.sessions) {
          expect((await admin.delete(`${A2}/users/sessions/delete`, { session_id })).status).toBe(200);
        }
        return undefined;
      },
    ],
  ];
  test.each(ends)('brings nothing when meanwhile %s', async (_, end) => {
    const { alice, jar } = await signedIn();
    const code = await allow(jar);
    const ended = await end(alice, jar);
    expect(ended?.status ?? 200).toBeLessThan(400);
    expect((await redeem(gateway, code)).status).toBe(401);
    // And again when the user is let in again.
    await admin.patch(`${A2}/users/update-status`, { username: alice.username, is_active: true });
    expect((await redeem(gateway, code)).status).toBe(401);
  });

  test('is in no log and not in the audit log, nor is what it brings; who has allowed it is, and who misused it', async () => {
    const { alice, jar } = await signedIn();
    const code = await allow(jar);
    const { json } = await redeem(gateway, code);
    await redeem(gateway, code);
    const entries = async (): Promise<Record<string, unknown>[]> =>
      (await admin.get(`${A2}/audit/search?username=${alice.username}`)).json.entries;
    await expect.poll(async () => (await entries()).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(4);
    const [replayed, made, allowed] = await entries();
    expect(replayed).toMatchObject({
      ...{ action: 'sign_in', allowed: false, status: 401, because: 'the code was used before' },
    });
    expect(made).toMatchObject({
      ...{ action: 'create_token', allowed: true, username: alice.username, path: REDEEM },
      credential: { kind: 'session' },
      change: { before: null, after: { token_id: json.token.token_id, name: 'login on laptop' } },
    });
    expect(allowed).toMatchObject({
      ...{ action: 'update', allowed: true, path: '/auth/login' },
      because: 'the user allows "login on laptop" to sign in',
    });
    const all = JSON.stringify([gateway.log, await entries()]);
    for (const secret of [code, VERIFIER, json.secret]) {
      expect(all).not.toContain(secret);
    }
  });
});

describe('who confirms', () => {
  test('is a user in a session: no other credential gets a token that may do more, or lives longer', async () => {
    const alice = await gateway.person('alice');
    const made = await alice.post(`${A2}/users/tokens/create`, {
      name: 'for reading',
      expires_in_seconds: 60,
      scope: { access: 'read' },
    });
    const whole = await alice.post(`${A2}/users/tokens/create`, { name: 'whole' });
    const callers = [alice, byToken(gateway.url, made.json.secret), byToken(gateway.url, whole.json.secret)];
    for (const caller of callers) {
      const page = await caller.send('GET', pageFor());
      expect([page.status, page.json.error_code]).toEqual([403, 'PERMISSION_DENIED']);
      const headers = {
        'content-type': 'application/x-www-form-urlencoded',
        cookie: openJar(gateway).header,
      };
      const sent = await caller.send('POST', pageFor(), { raw: 'answer=yes', headers });
      expect(sent.status).toBe(403);
    }
    expect(await tokensOf(alice)).toHaveLength(2);
  });

  test('confirms on the page: a page of another site has nothing confirmed, nor has a form without its field', async () => {
    const { alice, jar } = await signedIn();
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const { text } = await jar.get(pageFor());
    const [, csrf_token = ''] = /name="csrf_token" value="([^"]*)"/.exec(text) ?? [];
    const raw = new URLSearchParams({ csrf_token, answer: 'yes' }).toString();
    for (const from of [
      { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      const sent = await jar.send('POST', pageFor(), { raw, headers: { ...form, ...from } });
      expect([sent.status, goesOnTo(sent)]).toEqual([403, undefined]);
    }
    for (const fields of [
      'answer=yes',
      'answer=yes&csrf_token=x',
      `csrf_token=${'A'.repeat(43)}&answer=yes`,
    ]) {
      const sent = await jar.send('POST', pageFor(), { raw: fields, headers: form });
      expect([sent.status, goesOnTo(sent)]).toEqual([400, undefined]);
    }
    // Nor does a look at the page, however often.
    expect((await jar.get(`${pageFor()}&answer=yes&csrf_token=${csrf_token}`)).text).toContain('<form');
    expect(await tokensOf(alice)).toEqual([]);
  });

  test('has chosen the password first, where another had', async () => {
    const { alice } = await signedIn();
    await admin.patch(`${A2}/users/update-password`, {
      ...{ username: alice.username, password: 'chosen by somebody else', must_change_password: true },
    });
    const jar = await signInByPage(gateway, { ...alice, password: 'chosen by somebody else' });
    const page = await jar.get(pageFor());
    expect(String(page.headers['location'])).toMatch(/^\/auth\/password\?next=/);
    expect((await jar.submit(pageFor(), { answer: 'yes' })).status).toBeGreaterThanOrEqual(300);
  });

  describe('in a browser', () => {
    let browsers: Browsers;
    beforeAll(async () => {
      browsers = await installBrowsers();
    });
    afterAll(() => browsers.close());

    test('sees the page in no frame of another site, whose click would be theirs', async () => {
      const { page } = await browsers.open(gateway.url, await gateway.person('alice'));
      const frame = `<iframe src="${gateway.url}${plain(pageFor()).replaceAll('&', '&amp;')}"></iframe>`;
      const site = await listen(
        createServer((_, response) => {
          response.setHeader('content-type', 'text/html');
          response.end(frame);
        }),
      );
      onTestFinished(() => site.close());
      await page.goto(site.uri);
      await expect
        .poll(() => page.frames().at(1)?.url(), { timeout: 20_000 })
        .toBe('chrome-error://chromewebdata/');
    });
  });
});

describe.each([
  ['SQLite', async () => temporaryUri()],
  ['PostgreSQL', sharedPostgresql],
])('two gateways on one %s', (_, databaseUri) => {
  test('know one another’s codes, and count each once', async () => {
    const settings = { database_uri: await databaseUri() };
    const opened = await openGateway({ fake: true, settings });
    const other = await opened.another(settings);
    const alice = await opened.gateway.person('alice');
    const jar = await signInByPage(opened.gateway, alice);
    const code = await allow(jar);
    const answers = await Promise.all(
      [opened.gateway, other].flatMap((each) => [redeem(each, code), redeem(each, code)]),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401, 401, 401]);
    expect((await redeem(other, await allow(jar))).status).toBe(200);
  });
});

test('a code of a gateway on another store brings nothing', async () => {
  const { jar } = await signedIn();
  const code = await allow(jar);
  expect((await redeem(await another(), code)).status).toBe(401);
});
