/** Who is not signed in: a page leads to where one signs in, what a page calls is told, and programs are asked for credentials. */
import { describe, expect, test } from 'vitest';
import { ADMIN, unique } from '../support/gateway.ts';
import { signInByPage } from '../support/sign-in.ts';
import { useGateway } from '../support/use-gateway.ts';

const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const BASIC = 'Basic realm="mlflow", charset="UTF-8"';
const CURRENT = '2.0/mlflow/users/current';
const WRONG = `Basic ${Buffer.from('admin:wrong').toString('base64')}`;

describe('without credentials', () => {
  const { gateway } = useGateway({ fake: true });

  test.each([
    ['a page', '/', HTML, '/auth/sign-in?next=%2F'],
    ['a page with a query', '/a?b=c&d', HTML, '/auth/sign-in?next=%2Fa%3Fb%3Dc%26d'],
    ['a page in a browser', '/a', { ...HTML, 'sec-fetch-mode': 'navigate' }, '/auth/sign-in?next=%2Fa'],
    [
      'an address of the API in a browser',
      `/api/${CURRENT}`,
      { ...HTML, 'sec-fetch-mode': 'navigate' },
      '/auth/sign-in?next=%2Fapi%2F2.0%2Fmlflow%2Fusers%2Fcurrent',
    ],
    [
      'a page with a cookie that has ended',
      '/',
      { ...HTML, cookie: `mlflow-gateway=${'A'.repeat(43)}` },
      '/auth/sign-in?next=%2F',
    ],
    [
      'an address that looks like another host',
      '//evil.example/',
      HTML,
      '/auth/sign-in?next=%2Fevil.example%2F',
    ],
  ])('%s goes to the sign-in page', async (_what, path, headers, location) => {
    const answer = await gateway.anonymous.get(path, { headers });
    expect([answer.status, answer.headers['location']]).toEqual([303, location]);
    expect(answer.headers['www-authenticate']).toBeUndefined();
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  test.each([
    ['a call by fetch', `/api/${CURRENT}`, { 'sec-fetch-mode': 'cors' }],
    ['a picture', '/get-artifact', { ...HTML, 'sec-fetch-mode': 'no-cors' }],
    ['a call by an older library', `/api/${CURRENT}`, { 'x-requested-with': 'XMLHttpRequest' }],
    ['a call by an older library that takes pages', '/', { ...HTML, 'x-requested-with': 'XMLHttpRequest' }],
    ['a call of MLflow’s pages over plain http', `/ajax-api/${CURRENT}`, {}],
    [
      'the same with a wrong password',
      `/ajax-api/${CURRENT}`,
      { 'sec-fetch-mode': 'cors', authorization: WRONG },
    ],
  ])('%s gets a 401 that no browser asks for a password for', async (_what, path, headers) => {
    const answer = await gateway.anonymous.get(path, { headers });
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, undefined]);
  });

  test.each([
    ['a program', 'GET', `/api/${CURRENT}`, {}],
    ['a program that takes pages from an API', 'GET', `/api/${CURRENT}`, HTML],
    ['a program that asks for a page', 'GET', '/', { accept: '*/*' }],
    ['HEAD', 'HEAD', '/', HTML],
    ['a write', 'POST', '/api/2.0/mlflow/experiments/create', HTML],
    ['a wrong password', 'GET', '/', { ...HTML, authorization: WRONG }],
    ['a wrong password to what pages call', 'GET', `/ajax-api/${CURRENT}`, { authorization: WRONG }],
  ])('%s gets the challenge', async (_what, method, path, headers) => {
    const answer = await gateway.anonymous.send(method, path, { headers });
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, BASIC]);
  });
});

describe('below a prefix', () => {
  const { gateway } = useGateway({ fake: true, settings: { static_prefix: '/mlflow' } });

  test('everything stays below it', async () => {
    const page = await gateway.anonymous.get('/mlflow/a', { headers: HTML });
    expect(page.headers['location']).toBe('/mlflow/auth/sign-in?next=%2Fmlflow%2Fa');
    const form = await gateway.anonymous.get('/mlflow/auth/sign-in?next=%2Fother', { headers: HTML });
    expect(form.text).toContain('name="next" value="/mlflow/"');
    expect(form.text).toContain('href="/mlflow/auth/style.css?v=');
    expect((await gateway.anonymous.get('/auth/sign-in')).status).toBe(404);
  });
});

describe.each(['on', 'api', 'off'] as const)('basic_auth = %s', (basic_auth) => {
  const { gateway } = useGateway({ fake: true, settings: { basic_auth } });
  /** Made by an admin in a browser, as that is taken always. */
  async function newUser() {
    const admin = await signInByPage(gateway, ADMIN);
    const user = { username: unique('alice'), password: 'a long enough password' };
    expect((await admin.send('POST', '/api/2.0/mlflow/users/create', { json: user })).status).toBe(200);
    return gateway.as(user.username, user.password);
  }
  const takes = { on: [200, 200], api: [200, 401], off: [401, 401] }[basic_auth];

  test('is who may send a password with each request', async () => {
    const alice = await newUser();
    const answers = [
      await alice.get(`/api/${CURRENT}`),
      await alice.get(`/ajax-api/${CURRENT}`, {
        headers: { 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin' },
      }),
      await alice.get(`/api/${CURRENT}`, { headers: { 'x-requested-with': 'XMLHttpRequest' } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([takes[0], takes[1], takes[1]]);
    const page = await alice.get('/', { headers: HTML });
    expect(page.status).toBe(takes[1]);
    if (basic_auth !== 'on') {
      expect(page.headers['www-authenticate']).toBeUndefined();
    }
    const asked = await gateway.anonymous.get(`/api/${CURRENT}`);
    expect(asked.headers['www-authenticate']).toBe(basic_auth === 'off' ? 'Bearer realm="mlflow"' : BASIC);
  });

  test('takes tokens and sessions all the same, and tells no right password from a wrong one where it takes none', async () => {
    const alice = await newUser();
    const jar = await signInByPage(gateway, alice);
    expect((await jar.send('GET', `/api/${CURRENT}`)).status).toBe(200);
    const made = await jar.send('POST', '/api/2.0/mlflow/users/tokens/create', { json: { name: 'x' } });
    const { secret } = made.json;
    expect((await gateway.as(alice.username, secret).get(`/api/${CURRENT}`)).status).toBe(200);
    const bearer = { headers: { authorization: `Bearer ${secret}` } };
    expect((await gateway.anonymous.get(`/api/${CURRENT}`, bearer)).status).toBe(200);
    if (basic_auth === 'off') {
      const [right, wrong] = [await alice.get('/api/x'), await gateway.as(alice.username, 'x').get('/api/x')];
      expect([right.status, right.text]).toEqual([wrong.status, wrong.text]);
      expect(right.text).toContain('MLFLOW_TRACKING_TOKEN');
    }
  });
});
