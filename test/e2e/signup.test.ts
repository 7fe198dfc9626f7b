/** MLflow's sign-up page, as its own tests of it go. */
import { expect, test } from 'vitest';
import { type Person, type Received, unique } from '../support/gateway.ts';
import { NO_UPSTREAM, useGateway } from '../support/use-gateway.ts';

const SUBMIT = '/api/2.0/mlflow/users/create-ui';
const FORM = 'application/x-www-form-urlencoded';
const PASSWORD = 'a long enough password';

const { gateway } = useGateway({ upstream: NO_UPSTREAM });

const exists = async (username: string) => (await gateway.server.store.users.get(username)) !== undefined;

async function openPage(who: Person = gateway.admin) {
  const page = await who.get('/signup');
  expect(page.status).toBe(200);
  return { page, token: tokenIn(page.text), cookie: cookieOf(page) };
}

const tokenIn = (html: string) => /name="csrf_token" value="(\S+)"/.exec(html)?.[1] ?? '';
const cookieOf = ({ headers }: Received) => String(headers['set-cookie']).split(';')[0] ?? '';

const submit = (fields: Record<string, string>, cookie: string, headers: Record<string, string> = {}) =>
  gateway.admin.send('POST', SUBMIT, {
    raw: new URLSearchParams(fields).toString(),
    headers: { 'content-type': FORM, cookie, ...headers },
  });

test('an admin makes a user by it', async () => {
  const { page, token, cookie } = await openPage();
  expect(page.headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'set-cookie': expect.stringMatching(/; HttpOnly; SameSite=Strict$/),
    'content-security-policy': expect.stringContaining("default-src 'none'"),
  });
  const username = unique('made');
  const fields = { username, password: PASSWORD, password_again: PASSWORD, csrf_token: token };
  const made = await submit(fields, cookie);
  expect(made.status).toBe(200);
  expect(made.text).toContain(`Successfully signed up user: ${username}`);
  expect((await gateway.as(username, PASSWORD).get('/api/2.0/mlflow/users/current')).json.user).toMatchObject(
    {
      username,
      is_admin: false,
    },
  );
  const again = await submit(fields, cookie);
  expect(again.status).toBe(400);
  expect(again.text).toContain(`<p role="alert">Username has already been taken: ${username}</p>`);
});

test('a script that sends MLflow’s own form, with the password once, makes a user too', async () => {
  const { token, cookie } = await openPage();
  const username = unique('made');
  expect((await submit({ username, password: PASSWORD, csrf_token: token }, cookie)).status).toBe(200);
  expect(await exists(username)).toBe(true);
});

test('two passwords that differ make nobody, and the form keeps the name alone', async () => {
  const { token, cookie } = await openPage();
  const username = unique('made');
  const fields = { username, password: PASSWORD, password_again: `${PASSWORD}!`, csrf_token: token };
  const answer = await submit(fields, cookie);
  expect(answer.status).toBe(400);
  expect(answer.text).toContain('<p role="alert">The two passwords are not the same.</p>');
  expect(answer.text).toContain(`name="username" value="${username}"`);
  expect(answer.text).not.toContain(PASSWORD);
  expect(await exists(username)).toBe(false);
});

test('a refused form can be sent again as it came back', async () => {
  const opened = await openPage();
  const username = unique('made');
  const refused = await submit({ username, password: 'short', csrf_token: opened.token }, opened.cookie);
  expect(refused.status).toBe(400);
  const form = { csrf_token: tokenIn(refused.text), username, password: PASSWORD, password_again: PASSWORD };
  expect((await submit(form, cookieOf(refused))).status).toBe(200);
  expect(await exists(username)).toBe(true);
});

test('a name is shown as text', async () => {
  const { token, cookie } = await openPage();
  const fields = { username: unique('<b>'), password: PASSWORD, csrf_token: token };
  expect((await submit(fields, cookie)).text).not.toContain('<b>');
  const again = await submit({ ...fields, username: '"><b>', password: 'short' }, cookie);
  expect(again.text).toContain('value="&#34;&#62;&#60;b&#62;"');
});

test('nobody else gets it', async () => {
  const user = await gateway.person();
  for (const [who, status] of [
    [gateway.anonymous, 401],
    [user, 403],
  ] as const) {
    expect((await who.get('/signup')).status).toBe(status);
    const answer = await who.send('POST', SUBMIT, { raw: '', headers: { 'content-type': FORM } });
    expect(answer.status).toBe(status);
  }
});

test.each<[string, (opened: { token: string; cookie: string }) => [string, string], RegExp]>([
  ['no token', ({ cookie }) => ['', cookie], /The CSRF token is missing/],
  ['no cookie', ({ token }) => [token, ''], /The CSRF session token is missing/],
  ['a made-up token', ({ cookie }) => ['made-up', cookie], /do not match/],
  [
    'the token of another page',
    ({ cookie }) => [Buffer.alloc(32).toString('base64url'), cookie],
    /do not match/,
  ],
])('with %s nothing is made', async (_, choose, message) => {
  const [csrf_token, cookie] = choose(await openPage());
  const username = unique('made');
  const answer = await submit({ username, password: PASSWORD, csrf_token }, cookie);
  expect(answer.status).toBe(400);
  expect(answer.text).toMatch(message);
  expect(await exists(username)).toBe(false);
});

test('JSON is no form', async () => {
  const username = unique('made');
  const answer = await gateway.admin.post(SUBMIT, { username, password: PASSWORD });
  expect(answer.text).toContain('The CSRF token is missing');
  expect(await exists(username)).toBe(false);
});

test.each([
  ['', PASSWORD, /Username and password cannot be empty/],
  ['somebody', '', /Username and password cannot be empty/],
  ['somebody', 'short', /Password must be at least 12 characters/],
  ['some:body', PASSWORD, /Username cannot have colons/],
])('the name %j with the password %j is refused', async (username, password, message) => {
  const { token, cookie } = await openPage();
  const answer = await submit({ username, password, csrf_token: token }, cookie);
  expect(answer.status).toBe(400);
  expect(answer.text).toMatch(message);
});

test('a page of another site cannot send it', async () => {
  const { token, cookie } = await openPage();
  const fields = { username: unique('made'), password: PASSWORD, csrf_token: token };
  expect((await submit(fields, cookie, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  expect(await exists(fields.username)).toBe(false);
});
