/** A page of another site, or of another port of this host, has the browser of a user who is signed in change nothing. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browsers, installBrowsers, type Seat } from '../support/browser.ts';
import type { Person } from '../support/gateway.ts';
import { type CookieJar, openJar, signInByPage } from '../support/sign-in.ts';
import { useGateway } from '../support/use-gateway.ts';

const { gateway, upstream } = useGateway({ fake: true });
const WHO = '/api/2.0/mlflow/users/current';

const WRITES = [
  ['POST', '/api/2.0/mlflow/experiments/create', { name: 'x' }],
  ['POST', '/ajax-api/2.0/mlflow/experiments/create', { name: 'x' }],
  ['POST', '/api/2.0/mlflow/users/tokens/create', { name: 'x' }],
  ['DELETE', '/api/2.0/mlflow/users/sessions/delete', { session_id: 'x' }],
  ['PATCH', '/api/2.0/mlflow/users/update-password', { username: 'x', password: 'y' }],
  ['POST', '/auth/sign-out', {}],
  ['POST', '/auth/password', {}],
  ['POST', '/no/such/row', {}],
] as const;

describe('as browsers say it', () => {
  let jar: CookieJar;
  beforeAll(async () => {
    jar = await signInByPage(gateway, await gateway.person('alice'));
  });

  test.each([
    ['a browser that says so', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
    ['a neighbour of the same domain', { 'sec-fetch-site': 'same-site', origin: 'http://127.0.0.1:1' }],
    ['an older browser', { origin: 'http://evil.example' }],
    ['a page without an origin', { origin: 'null' }],
  ])('%s changes nothing', async (_who, headers) => {
    const before = upstream.arrived.length;
    for (const [method, path, json] of WRITES) {
      const { status } = await jar.send(method, path, { json, headers });
      expect([method, path, status]).toEqual([method, path, 403]);
    }
    expect(upstream.arrived.length).toBe(before);
    expect((await jar.send('GET', WHO)).status).toBe(200);
  });

  test('nobody is signed in from elsewhere, nor without the token of the form', async () => {
    const mallory = await gateway.person('mallory');
    const victim = openJar(gateway);
    const elsewhere = { headers: { origin: 'http://evil.example' } };
    expect((await victim.submit('/auth/sign-in', mallory, elsewhere)).status).toBe(403);
    const { username, password } = mallory;
    for (const csrf_token of ['', 'x', 'aaaaaaaa-bbbbbbbbbbbbbbbbbbbbbbbbbbb']) {
      expect((await victim.submit('/auth/sign-in', { username, password, csrf_token })).status).toBe(400);
    }
    const raw = new URLSearchParams({ username, password, csrf_token: 'x' }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await gateway.anonymous.send('POST', '/auth/sign-in', { raw, headers })).status).toBe(400);
    expect(victim.session).toBeUndefined();
  });

  test('MLflow’s Logout is one only from a page of the gateway', async () => {
    const path = '/ajax-api/2.0/mlflow/users/current';
    const { session } = jar;
    const cookie = `mlflow-gateway=${session}`;
    const madeUp = `Basic ${Buffer.from('mlflow-logged-out-x:mlflow-logged-out-x').toString('base64')}`;
    for (const headers of [
      { cookie },
      { cookie, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' },
      { cookie, 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' },
      { cookie, 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' },
      { cookie, referer: 'http://evil.example/' },
      { cookie, authorization: madeUp, 'sec-fetch-site': 'cross-site' },
    ]) {
      await gateway.anonymous.get(path, { headers });
      expect((await gateway.anonymous.get(WHO, { headers: { cookie } })).status).toBe(200);
    }
    const own = { cookie, authorization: madeUp, 'sec-fetch-site': 'same-origin' };
    const out = await gateway.anonymous.get(path, { headers: own });
    expect([out.status, out.headers['www-authenticate']]).toEqual([401, undefined]);
    expect((await gateway.anonymous.get(WHO, { headers: { cookie } })).status).toBe(401);
  });
});

describe('in a real browser', () => {
  let browsers: Browsers;
  let elsewhere: Server;
  let seat: Seat;
  let alice: Person;

  beforeAll(async () => {
    browsers = await installBrowsers();
    elsewhere = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<p>elsewhere');
    });
    await new Promise<void>((done) => elsewhere.listen(0, '127.0.0.1', done));
    alice = await gateway.person('alice');
    seat = await browsers.open(gateway.url, alice);
    await seat.page.goto(`http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`);
  });
  afterAll(async () => {
    await browsers.close();
    elsewhere.close();
  });

  /** What the gateway has answered to a path since. */
  async function answersTo(path: string, act: () => Promise<unknown>): Promise<readonly unknown[]> {
    const before = gateway.log.length;
    await act();
    const lines = () => gateway.log.slice(before).filter((line) => line['path'] === path);
    await expect.poll(lines).not.toEqual([]);
    return lines().map(({ status, user }) => [status, user]);
  }

  test('a script of another port sends nothing that changes something, although the cookie comes along', async () => {
    for (const [method, path] of WRITES.filter(([sent]) => sent === 'POST')) {
      const send = `fetch('${gateway.url}${path}', { method: '${method}', mode: 'no-cors', credentials: 'include', body: '{"name":"x"}' })`;
      expect(await answersTo(path, () => seat.page.evaluate(send))).toEqual([[403, undefined]]);
    }
    const read = `fetch('${gateway.url}${WHO}', { credentials: 'include' }).then((answer) => answer.text(), () => 'not told')`;
    expect(await answersTo(WHO, async () => expect(await seat.page.evaluate(read)).toBe('not told'))).toEqual(
      [[200, alice.username]],
    );
  });

  test.each([
    ['of another port', ''],
    ['of a page without an origin, as of another site', 'sandbox="allow-forms allow-scripts"'],
  ])('a form %s sends nothing that changes something', async (_where, sandbox) => {
    for (const path of ['/api/2.0/mlflow/users/tokens/create', '/auth/sign-out']) {
      const form = `<form action="${gateway.url}${path}" method="post" enctype="text/plain"><input name='{"name":"x","a":"' value='"}'></form><script>document.forms[0].submit()</script>`;
      const open = `document.body.innerHTML = ''; const frame = document.createElement('iframe'); frame.srcdoc = ${JSON.stringify(form)};
        ${sandbox === '' ? '' : `frame.setAttribute('sandbox', 'allow-forms allow-scripts');`} document.body.append(frame);`;
      const [answer] = await answersTo(path, () => seat.page.evaluate(`{ ${open} }`));
      expect(answer).toEqual([403, undefined]);
    }
    const { page } = seat;
    const back = page.url();
    await page.goto(`${gateway.url}/auth/password`);
    await page.getByRole('heading', { name: 'Change your password' }).waitFor();
    await page.goto(back);
  });
});
