import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { type Person, startGateway, type TestGateway } from '../support/gateway.ts';

const SEARCH = '/api/2.0/mlflow/registered-models/search';
const USER = '/api/2.0/mlflow/users/get';

let upstream: FakeUpstream;
let gateway: TestGateway;
let alice: Person;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(upstream.uri, { default_permission: 'READ' });
  alice = await gateway.person('alice');
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const ask = (who: Person, raw: string, target = SEARCH, method = 'GET') => who.send(method, target, { raw });

test.each<[what: string, body: string, query: string | undefined]>([
  ['text', '{"filter":"name = \'a b\'"}', 'filter=name+%3D+%27a+b%27'],
  ['characters that mean something in a query', '{"filter":"a;b&c=d"}', 'filter=a%3Bb%26c%3Dd'],
  ['numbers', '{"max_results":1e2,"page_token":"x"}', 'max_results=100&page_token=x'],
  ['lists', '{"orderBy":["name","timestamp DESC"]}', 'order_by=name&order_by=timestamp+DESC'],
  ['nothing', '{}', undefined],
  ['null', '{"filter":null}', undefined],
])('a GET with %s in its body goes on with a query and no body', async (_, body, query) => {
  for (const who of [alice, gateway.admin]) {
    for (const method of ['GET', 'HEAD']) {
      const before = upstream.arrived.length;
      const { status, headers } = await ask(who, body, SEARCH, method);
      expect([status, headers['content-type']]).toEqual([200, 'application/json']);
      // A search of a user whose page is not full may be asked for more.
      const [arrived] = upstream.arrived.slice(before);
      const found = new URL(arrived?.url ?? '', 'http://x').searchParams;
      for (const [name, value] of new URLSearchParams(query)) {
        expect(found.getAll(name)).toContain(value);
      }
      expect(arrived?.method).toBe('GET');
      expect(arrived?.body.length).toBe(0);
      expect(arrived?.headers).not.toHaveProperty('content-length');
      expect(arrived?.headers).not.toHaveProperty('transfer-encoding');
    }
  }
});

test.each<[what: string, body: string, target?: string]>([
  ['a key twice', '{"filter":"a","filter":"b"}'],
  ['both spellings of a field', '{"page_token":"a","pageToken":"b"}'],
  ['a query beside it', '{"filter":"a"}', `${SEARCH}?filter=b`],
  ['a list', '[]'],
  ['a body within the body', '"{}"'],
  ['a value of another type', '{"filter":{"a":1}}'],
  ['a field that nothing declares', '{"other":"a"}'],
  ['UTF-16', '\ufeff{}'],
  ['an empty bracket, which MLflow 2.15.1 rewrites', '{"filter":"[]"}'],
  ['more than a query may hold', `{"filter":"${'ä'.repeat(4000)}"}`],
])('%s in the body of a GET is refused and goes nowhere', async (_, body, target) => {
  const before = upstream.arrived.length;
  expect((await ask(alice, body, target)).status).toBe(400);
  expect(upstream.arrived.length).toBe(before);
});

test('an admin may send what nothing declares, but no two readings either', async () => {
  expect((await ask(gateway.admin, '{"other":"a"}')).status).toBe(200);
  for (const body of ['{"other":{"a":1}}', '{"filter":"a","filter":"b"}', '[]', '{']) {
    expect((await ask(gateway.admin, body)).status, body).toBe(400);
  }
});

test('it is not read of anybody who has not signed in', async () => {
  expect((await ask(gateway.anonymous, '{}')).status).toBe(401);
  expect((await ask(gateway.anonymous, '{}', '/health')).status).toBe(400);
});

test('packed, or longer than it may be, it is refused', async () => {
  const headers = { 'content-encoding': 'gzip' };
  expect((await alice.send('GET', SEARCH, { raw: '{}', headers })).status).toBe(400);
  expect((await ask(alice, `{"filter":"${'a'.repeat(17_000)}"}`)).status).toBe(413);
});

test('operations of the gateway itself take it as well', async () => {
  const named = (username: string) => ask(alice, JSON.stringify({ username }), USER);
  expect((await named(alice.username)).json.user.username).toBe(alice.username);
  expect((await named('admin')).status).toBe(403);
});
