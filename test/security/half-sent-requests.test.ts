/** What is taken away while a request is still being sent counts when its end arrives, however late that is. */
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { createExperiment, createRun, grant, type Person, unique } from '../support/gateway.ts';
import { useGateway, useNeighbours } from '../support/use-gateway.ts';

const { gateway, upstream } = useGateway({ fake: (_, response) => response.end('{"experiment_id": "7"}') });

interface Sent {
  readonly method?: string;
  readonly body: object | string;
  /** Its length is not announced. */
  readonly chunked?: boolean;
}

/** Sends the head and the first byte, and waits until both have been read; the rest is sent by {@link end}. */
async function begin(
  by: Person,
  path: string,
  { method = 'POST', body, chunked = false }: Sent,
  to = gateway,
) {
  const bytes = typeof body === 'string' ? body : JSON.stringify(body);
  // A password that was checked before is known at once.
  await by.get('/api/2.0/mlflow/users/current');
  const sent = request(new URL(path, to.url), {
    method,
    agent: false,
    headers: {
      authorization: `Basic ${Buffer.from(`${by.username}:${by.password}`).toString('base64')}`,
      'content-type': 'application/json',
      ...(chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': Buffer.byteLength(bytes) }),
      expect: '100-continue',
    },
  });
  sent.flushHeaders();
  await once(sent, 'continue');
  sent.write(bytes.slice(0, 1));
  // Answered after what came before.
  await by.get('/health');
  return { sent, rest: bytes.slice(1) };
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

test('a caller who is an admin all the time is one at the end', async () => {
  expect((await end(await begin(gateway.admin, CREATE_USER, { body: newUser() }))).statusCode).toBe(200);
});

test('an admin who is demoted meanwhile makes no user', async () => {
  const second = await anotherAdmin();
  const half = await begin(second, CREATE_USER, { body: newUser() });
  const { username } = second;
  await gateway.admin.patch('/api/2.0/mlflow/users/update-admin', { username, is_admin: false });
  expect((await end(half)).statusCode).toBe(403);
});

test('an admin who is demoted meanwhile is not judged by what was read as leniently as of an admin', async () => {
  const second = await anotherAdmin();
  // MLflow takes the last of two; nobody but an admin may send either.
  const body = '{"name":"x","artifact_location":"","artifact_location":"file:///"}';
  const half = await begin(second, '/api/2.0/mlflow/experiments/create', { body });
  const { username } = second;
  await gateway.admin.patch('/api/2.0/mlflow/users/update-admin', { username, is_admin: false });
  expect((await end(half)).statusCode).toBe(403);
});

const remove = ({ username }: Person, from = gateway) =>
  from.admin.delete('/api/2.0/mlflow/users/delete', { username });
const LOSSES = [
  ['is deleted', remove],
  [
    'gets another password',
    ({ username }: Person) =>
      gateway.admin.patch('/api/2.0/mlflow/users/update-password', {
        username,
        password: 'quite another password',
      }),
  ],
] as const;

test.each(LOSSES)('a caller who %s meanwhile is nobody', async (_, change) => {
  const second = await anotherAdmin();
  const half = await begin(second, CREATE_USER, { body: newUser() });
  expect((await change(second)).status).toBe(200);
  expect((await end(half)).statusCode).toBe(401);
});

test('a grant that is taken away meanwhile grants nothing', async () => {
  const [owner, manager, accomplice] = await Promise.all(['a', 'b', 'c'].map((name) => gateway.person(name)));
  if (owner === undefined || manager === undefined || accomplice === undefined) {
    throw new Error('nobody');
  }
  const experiment = await createExperiment(owner);
  await grant(owner, manager, { experiment }, 'MANAGE');
  const half = await begin(manager, '/api/2.0/mlflow/experiments/permissions/create', {
    body: { experiment_id: experiment, username: accomplice.username, permission: 'MANAGE' },
  });
  const { username } = manager;
  await owner.delete('/api/2.0/mlflow/experiments/permissions/delete', {
    experiment_id: experiment,
    username,
  });
  expect((await end(half)).statusCode).toBe(403);
});

const LARGE = 'x'.repeat(300_000);
const ARTIFACTS = '/api/2.0/mlflow-artifacts/artifacts';
const RUN = '0123456789abcdef0123456789abcdef';

/** Bodies of an admin that nobody looks into. */
const UNREAD: readonly (readonly [string, string, Sent])[] = [
  ['a change of a row', '/api/2.0/mlflow/webhooks', { body: { name: 'hook', url: 'https://evil.example' } }],
  ['one without a length', '/api/2.0/mlflow/runs/delete', { body: { run_id: RUN }, chunked: true }],
  ['what no row knows', '/api/2.0/mlflow/something/new', { method: 'PUT', body: '{"a":1}' }],
  ['a small file', `${ARTIFACTS}/7/${RUN}/artifacts/f`, { method: 'PUT', body: 'a few bytes' }],
  ['a large file', `${ARTIFACTS}/7/${RUN}/artifacts/f`, { method: 'PUT', body: LARGE }],
  [
    'a large file without a length',
    `${ARTIFACTS}/7/${RUN}/artifacts/f`,
    { method: 'PUT', body: LARGE, chunked: true },
  ],
];

describe.each(UNREAD)('of %s', (_, path, sent) => {
  const arrivedWhole = () => {
    let whole = 0;
    upstream.answer((request, response) => {
      request.resume().on('end', () => {
        whole += 1;
        response.end('{}');
      });
      request.on('error', () => {});
    });
    return () => whole;
  };

  test('all arrives while its sender is an admin', async () => {
    const whole = arrivedWhole();
    const second = await anotherAdmin();
    expect((await end(await begin(second, path, sent))).statusCode).toBe(200);
    expect(whole()).toBe(1);
  });

  test.each(LOSSES)('nothing arrives whole once its sender %s', async (_loss, change) => {
    const whole = arrivedWhole();
    const second = await anotherAdmin();
    const half = await begin(second, path, sent);
    expect((await change(second)).status).toBe(200);
    expect((await end(half)).statusCode).toBe(401);
    expect(whole()).toBe(0);
  });

  test('nothing arrives whole once its sender is demoted', async () => {
    const whole = arrivedWhole();
    const second = await anotherAdmin();
    const half = await begin(second, path, sent);
    const { username } = second;
    await gateway.admin.patch('/api/2.0/mlflow/users/update-admin', { username, is_admin: false });
    expect((await end(half)).statusCode).toBe(403);
    expect(whole()).toBe(0);
  });
});

test('an upload does not end once its grant is taken away', async () => {
  upstream.answer((request, response) =>
    request
      .resume()
      .on('end', () => response.end('{"experiment_id": "7"}'))
      .on('error', () => {}),
  );
  const owner = await gateway.person('owner');
  const writer = await gateway.person('writer');
  const experiment = await createExperiment(owner);
  await grant(owner, writer, { experiment }, 'EDIT');
  const { username } = writer;
  for (const chunked of [false, true]) {
    const path = `${ARTIFACTS}/${experiment}/${RUN}/artifacts/f`;
    const half = await begin(writer, path, { method: 'PUT', body: LARGE, chunked });
    const revoked = { experiment_id: experiment, username };
    await owner.delete('/api/2.0/mlflow/experiments/permissions/delete', revoked);
    expect((await end(half)).statusCode).toBe(403);
    await grant(owner, writer, { experiment }, 'EDIT');
  }
});

test('an upload is broken off soon after its sender has lost the right, though nothing more of it comes', async () => {
  const brokenOff = new Promise((resolve) => {
    upstream.answer((request) => request.resume().once('error', resolve));
  });
  const second = await anotherAdmin();
  const { sent } = await begin(second, `${ARTIFACTS}/7/${RUN}/artifacts/f`, { method: 'PUT', body: LARGE });
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
  await remove(second);
  expect((await answered)[0].statusCode).toBe(401);
  await brokenOff;
  sent.destroy();
});

describe.each(['3.17.2', '2.15.1'] as const)('with MLflow %s', (version) => {
  const neighbours = useNeighbours(version);

  const files = async (run: string) => {
    const { json } = await neighbours.gateway.admin.get(`/api/2.0/mlflow/artifacts/list?run_id=${run}`);
    return (json.files ?? []).map(({ path }: { path: string }) => path);
  };

  test.each([
    ['a file', false],
    ['a file without a length', true],
  ])('%s is stored whole or not at all', async (_, chunked) => {
    const { gateway: real, alice, homes } = neighbours;
    const writer = await real.person('writer');
    await grant(alice, writer, { experiment: homes.alice }, 'EDIT');
    const run = await createRun(alice, homes.alice);
    const at = (name: string) => `${ARTIFACTS}/${homes.alice}/${run}/artifacts/${name}`;
    const whole = await begin(writer, at('whole'), { method: 'PUT', body: LARGE, chunked }, real);
    expect((await end(whole)).statusCode).toBe(200);
    const half = await begin(writer, at('half'), { method: 'PUT', body: LARGE, chunked }, real);
    expect((await remove(writer, real)).status).toBe(200);
    expect((await end(half)).statusCode).toBe(401);
    expect(await files(run)).toEqual(['whole']);
  });

  test('a file of MLflow’s UI is stored whole or not at all', async () => {
    const { gateway: real, alice, homes } = neighbours;
    const writer = await real.person('writer');
    await grant(alice, writer, { experiment: homes.alice }, 'EDIT');
    const run = await createRun(alice, homes.alice);
    const at = (name: string) => `/ajax-api/2.0/mlflow/upload-artifact?run_uuid=${run}&path=${name}`;
    expect((await end(await begin(writer, at('whole'), { body: LARGE }, real))).statusCode).toBe(200);
    const half = await begin(writer, at('half'), { body: LARGE }, real);
    expect((await remove(writer, real)).status).toBe(200);
    expect((await end(half)).statusCode).toBe(401);
    expect(await files(run)).toEqual(['whole']);
  });
});
