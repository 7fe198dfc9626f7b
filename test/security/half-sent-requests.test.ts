/** What is taken away while a request is still being sent counts when its end arrives, however late that is. */
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import {
  createExperiment,
  grant,
  type Person,
  startGateway,
  type TestGateway,
  unique,
} from '../support/gateway.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startFakeUpstream((_, response) => response.end('{"experiment_id": "7"}'));
  gateway = await startGateway(upstream.uri);
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

/** Sends the head and the first byte, and waits until both have been read; the rest is sent by {@link end}. */
async function begin(by: Person, path: string, body: object | string) {
  const json = typeof body === 'string' ? body : JSON.stringify(body);
  // A password that was checked before is known at once.
  await by.get('/api/2.0/mlflow/users/current');
  const sent = request(new URL(path, gateway.url), {
    method: 'POST',
    agent: false,
    headers: {
      authorization: `Basic ${Buffer.from(`${by.username}:${by.password}`).toString('base64')}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(json),
      expect: '100-continue',
    },
  });
  sent.flushHeaders();
  await once(sent, 'continue');
  sent.write(json.slice(0, 1));
  // Answered after what came before.
  await by.get('/health');
  return { sent, rest: json.slice(1) };
}

async function end({ sent, rest }: { sent: ClientRequest; rest: string }): Promise<IncomingMessage> {
  sent.end(rest);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  await text(answer);
  return answer;
}

const CREATE_USER = '/api/2.0/mlflow/users/create';
const newUser = () => ({ username: unique('accomplice'), password: 'a password that is long enough' });

async function anotherAdmin(): Promise<Person> {
  const person = await gateway.person('second');
  const { username } = person;
  await gateway.admin.patch('/api/2.0/mlflow/users/update-admin', { username, is_admin: true });
  return person;
}

test('whoever is an admin all the time is one at the end', async () => {
  expect((await end(await begin(gateway.admin, CREATE_USER, newUser()))).statusCode).toBe(200);
});

test('an admin who is demoted meanwhile makes no user', async () => {
  const second = await anotherAdmin();
  const half = await begin(second, CREATE_USER, newUser());
  const { username } = second;
  await gateway.admin.patch('/api/2.0/mlflow/users/update-admin', { username, is_admin: false });
  expect((await end(half)).statusCode).toBe(403);
});

test('an admin who is demoted meanwhile is not judged by what was read as leniently as of an admin', async () => {
  const second = await anotherAdmin();
  // MLflow takes the last of two; nobody but an admin may send either.
  const body = '{"name":"x","artifact_location":"","artifact_location":"file:///"}';
  const half = await begin(second, '/api/2.0/mlflow/experiments/create', body);
  const { username } = second;
  await gateway.admin.patch('/api/2.0/mlflow/users/update-admin', { username, is_admin: false });
  expect((await end(half)).statusCode).toBe(403);
});

test.each([
  ['is deleted', (username: string) => gateway.admin.delete('/api/2.0/mlflow/users/delete', { username })],
  [
    'gets another password',
    (username: string) =>
      gateway.admin.patch('/api/2.0/mlflow/users/update-password', {
        username,
        password: 'quite another password',
      }),
  ],
])('whoever %s meanwhile is nobody', async (_, change) => {
  const second = await anotherAdmin();
  const half = await begin(second, CREATE_USER, newUser());
  expect((await change(second.username)).status).toBe(200);
  expect((await end(half)).statusCode).toBe(401);
});

test('a grant that is taken away meanwhile grants nothing', async () => {
  const [owner, manager, accomplice] = await Promise.all(['a', 'b', 'c'].map((name) => gateway.person(name)));
  if (owner === undefined || manager === undefined || accomplice === undefined) throw new Error('nobody');
  const experiment = await createExperiment(owner);
  await grant(owner, manager, { experiment }, 'MANAGE');
  const half = await begin(manager, '/api/2.0/mlflow/experiments/permissions/create', {
    experiment_id: experiment,
    username: accomplice.username,
    permission: 'MANAGE',
  });
  const { username } = manager;
  await owner.delete('/api/2.0/mlflow/experiments/permissions/delete', {
    experiment_id: experiment,
    username,
  });
  expect((await end(half)).statusCode).toBe(403);
});
