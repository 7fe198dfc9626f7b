import { expect, test } from 'vitest';
import { NO_UPSTREAM, useGateway } from '../support/use-gateway.ts';

/** What Chromium sends for a page that is opened, and what Java's HttpURLConnection sends with every call. */
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8';
const JAVA = 'text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2';
const UNAUTHENTICATED =
  'You are not authenticated. Please see ' +
  'https://www.mlflow.org/docs/latest/auth/index.html#authenticating-to-mlflow on how to authenticate.';

const { gateway } = useGateway({ upstream: NO_UPSTREAM });

const open = (who: 'anonymous' | 'admin', target: string, accept: string | undefined, method = 'GET') =>
  gateway[who].send(method, target, accept === undefined ? {} : { headers: { accept } });

test.each(['/', '/get-artifact?run_id=1&path=x'])(
  'a browser that knows a wrong password for %s asks for another, and who cancels that reads a way to sign in',
  async (target) => {
    const wrong = gateway.as('admin', 'not the password');
    const { status, headers, text } = await wrong.get(target, { headers: { accept: BROWSER } });
    expect(status).toBe(401);
    expect(text).toContain('<h1>You are not signed in</h1>');
    expect(text).toContain(`<p>${UNAUTHENTICATED}</p>`);
    expect(text).toContain('<a href="/auth/sign-in">Sign in</a>');
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'self'; /);
    expect(headers['www-authenticate']).toBe('Basic realm="mlflow", charset="UTF-8"');
  },
);

test('who opens a page and is not signed in is sent on, and reads where to', async () => {
  const { status, headers, text } = await open('anonymous', '/a', BROWSER);
  expect([status, headers['location']]).toEqual([303, '/auth/sign-in?next=%2Fa']);
  expect(text).toContain('<a href="/auth/sign-in?next=%2Fa">Sign in</a>');
});

test('a page that cannot be had says why', async () => {
  const { status, headers, text } = await open('admin', '/', BROWSER);
  expect(status).toBe(503);
  expect(text).toContain('<h1>Not available right now</h1>');
  expect(text).toContain('<p>The MLflow server cannot be reached right now. Try again in a moment.</p>');
  expect(text).toContain('<a href="/">Go to MLflow</a>');
  expect(headers['retry-after']).toBe('1');
  expect(headers['content-type']).toBe('text/html; charset=utf-8');
});

test('what a message repeats of a request does not become part of the page', async () => {
  const user = await gateway.person();
  const target = '/get-artifact?run_id=1&run_id=2';
  const { status, text } = await user.get(target, { headers: { accept: BROWSER } });
  expect(status).toBe(400);
  expect(text).toContain('<p>Query parameter &#39;run_id&#39; must be sent once.</p>');
});

test.each([
  ['a client that names nothing', 'GET', '/', undefined],
  ['a client that takes anything', 'GET', '/', '*/*'],
  ['a page’s script', 'GET', '/ajax-api/2.0/mlflow/users/current', 'application/json, text/plain, */*'],
  ['a script that accepts pages', 'GET', '/ajax-api/2.0/mlflow/users/current', BROWSER],
  ['a library that accepts everything by name', 'GET', '/api/2.0/mlflow/users/current', JAVA],
  ['a call that is no page', 'POST', '/graphql', BROWSER],
])('%s gets MLflow’s JSON', async (_, method, target, accept) => {
  const { status, headers, json } = await open('anonymous', target, accept, method);
  expect(status).toBe(401);
  expect(headers['content-type']).toMatch(/^application\/json/);
  expect(json).toEqual({ error_code: 'UNAUTHENTICATED', message: UNAUTHENTICATED });
});
