/**
 * There are only so many connections to MLflow. Clients that stand still, ask for more than they read or hang must not
 * take them from others: a few, without an account even, would keep everybody else out.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { Answering } from '../support/fake-upstream.ts';
import { ADMIN, type Person, type Settings, type TestGateway } from '../support/gateway.ts';
import { openGateway } from '../support/use-gateway.ts';

const CONNECTIONS = 8;
/** More than the buffers of all sockets on the way take. */
const LARGE = Buffer.alloc(64 * 1024 * 1024);
/** As large as the largest file of MLflow's UI. */
const FILE = Buffer.alloc(4_400_000);
/** As MLflow says of the files of its UI. */
const CACHED = { 'cache-control': 'public, max-age=2419200', 'content-length': FILE.byteLength };
/** Answered to everybody, and not kept. */
const PUBLIC = '/favicon.ico';
const HANGING = '/api/2.0/mlflow/experiments/get?experiment_id=1';

let gateway: TestGateway;
/** Answers that the upstream has not begun. */
let hanging: ServerResponse[];
/** What has come through to the upstream. */
let through: string[];
let sockets: Socket[];

async function start(overrides: Settings = {}) {
  hanging = [];
  through = [];
  sockets = [];
  const fake: Answering = (request, response) => {
    const { url = '' } = request;
    through.push(url);
    if (url.startsWith('/static-files/')) {
      response.writeHead(200, CACHED).end(FILE);
    } else if (url === '/large') {
      response.end(LARGE);
    } else if (url === HANGING || url === PUBLIC) {
      hanging.push(response);
    } else if (request.method === 'PUT') {
      request.resume().on('error', () => {});
    } else {
      response.end('{}');
    }
  };
  const settings = { upstream_connections: String(CONNECTIONS), ...overrides };
  ({ gateway } = await openGateway({ fake, settings }));
}

afterEach(() => {
  for (const socket of sockets) {
    socket.destroy();
  }
  for (const response of hanging) {
    response.destroy();
  }
});

const headOf = (
  line: string,
  by: Pick<Person, 'username' | 'password'> | undefined,
  ...headers: string[]
) => {
  const credentials = by && Buffer.from(`${by.username}:${by.password}`).toString('base64');
  return [line, 'Host: x', ...(by ? [`Authorization: Basic ${credentials}`] : []), ...headers, '', ''].join(
    '\r\n',
  );
};

/** Sends this on a connection of its own, and reads nothing of what comes back. */
function standStill(bytes: string): Socket {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname).pause();
  socket.on('error', () => {});
  socket.write(bytes);
  sockets.push(socket);
  return socket;
}

/** Waits until something is so, one request of the gateway's own after the other. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    await gateway.anonymous.get('/health');
  }
}

test.each([
  ['leave an answer unread', headOf('GET /large HTTP/1.1', ADMIN)],
  [
    'leave a body half sent',
    `${headOf('PUT /anything HTTP/1.1', ADMIN, 'Content-Length: 1000000')}${'half'.repeat(1000)}`,
  ],
])('clients that %s keep nobody out for long', async (_, bytes) => {
  await start({ client_timeout_seconds: '1' });
  for (let count = 0; count < CONNECTIONS; count += 1) {
    standStill(bytes);
  }
  await until(() => through.length >= CONNECTIONS);
  expect((await gateway.admin.get('/version')).status).toBe(200);
});

test('a client that waits for MLflow is waited with', async () => {
  await start({ client_timeout_seconds: '1' });
  const patient = gateway.admin.get(HANGING);
  await until(() => hanging.length > 0);
  // Came later, and is closed first.
  const still = standStill(
    `${headOf('POST /api/2.0/mlflow/experiments/create HTTP/1.1', ADMIN, 'Content-Length: 100')}{`,
  );
  still.resume();
  await once(still, 'close');
  hanging[0]?.end('at last');
  expect((await patient).text).toBe('at last');
});

/** Takes an answer at about so many bytes a second. */
function readSlowly(socket: Socket, bytesPerSecond: number) {
  let taken = 0;
  socket.on('data', (chunk: Buffer) => {
    taken += chunk.byteLength;
    socket.pause();
    setTimeout(() => socket.resume(), (chunk.byteLength * 1000) / bytesPerSecond);
  });
  socket.resume();
  return () => taken;
}

test('a client that takes a little now and then is no better than one that takes nothing', async () => {
  await start({ client_timeout_seconds: '1', client_least_bytes_per_second: '10000000' });
  readSlowly(standStill(headOf('GET /large HTTP/1.1', ADMIN)), 300_000);
  await until(() => gateway.log.some(({ path, whole }) => path === '/large' && whole === false));
});

test('one that takes a large answer slowly, but fast enough, gets all of it', async () => {
  await start({ client_timeout_seconds: '1', client_least_bytes_per_second: '500000' });
  const socket = standStill(headOf('GET /large HTTP/1.1', ADMIN, 'Connection: close'));
  const taken = readSlowly(socket, 16_000_000);
  await once(socket, 'close');
  expect(taken()).toBeGreaterThan(LARGE.byteLength);
});

test('hundreds of files that are asked for without an account, and never read, cost users nothing', async () => {
  await start();
  const alice = await gateway.person('alice');
  await gateway.anonymous.get('/static-files/main.js');
  const pipelined = headOf('GET /static-files/main.js HTTP/1.1', undefined).repeat(100);
  for (let count = 0; count < 50; count += 1) {
    standStill(pipelined);
  }
  for (let count = 0; count < 10; count += 1) {
    expect((await alice.get('/version')).status).toBe(200);
    expect((await gateway.anonymous.get('/static-files/main.js')).bytes.byteLength).toBe(FILE.byteLength);
  }
  expect(through.filter((url) => url === '/static-files/main.js')).toHaveLength(1);
});

test('nor do files that each are another', async () => {
  await start();
  const alice = await gateway.person('alice');
  for (let count = 0; count < 100; count += 1) {
    standStill(headOf(`GET /static-files/${count}.js HTTP/1.1`, undefined));
  }
  await until(() => through.length >= 100);
  for (let count = 0; count < 10; count += 1) {
    expect((await alice.get('/version')).status).toBe(200);
  }
});

test('one address without an account has only so many', async () => {
  await start({ requests_per_address: '3' });
  for (let count = 0; count < 3; count += 1) {
    standStill(headOf(`GET ${PUBLIC} HTTP/1.1`, undefined));
  }
  await until(() => hanging.length === 3);
  const refused = await gateway.anonymous.get('/static-files/main.js');
  expect([refused.status, refused.json.error_code]).toEqual([429, 'REQUEST_LIMIT_EXCEEDED']);
  expect((await gateway.admin.get('/version')).status).toBe(200);
  hanging[0]?.end('{}');
  await expect.poll(async () => (await gateway.anonymous.get('/static-files/main.js')).status).toBe(200);
});

test('one connection has one request under way, however many are sent at once', async () => {
  await start();
  const asked = 50;
  const close = headOf('GET /version HTTP/1.1', ADMIN, 'Connection: close');
  const socket = standStill(headOf(`GET ${HANGING} HTTP/1.1`, ADMIN).repeat(asked) + close).resume();
  let answers = '';
  socket.on('data', (chunk: Buffer) => {
    answers += chunk.toString('latin1');
  });
  const closed = once(socket, 'close');
  for (let count = 1; count <= asked; count += 1) {
    await until(() => hanging.length === count);
    expect(through.filter((url) => url === HANGING)).toHaveLength(count);
    hanging.at(-1)?.end(`{"answer":${count}}`);
  }
  await closed;
  expect([...answers.matchAll(/"answer":(\d+)/g)].map(([, count]) => Number(count))).toEqual(
    Array.from({ length: asked }, (_, index) => index + 1),
  );
  expect(answers.match(/HTTP\/1\.1 200/g)).toHaveLength(asked + 1);
});

test('a connection on which too many requests wait is closed', async () => {
  await start();
  const socket = standStill(headOf(`GET ${HANGING} HTTP/1.1`, ADMIN).repeat(200)).resume();
  await once(socket, 'close');
  expect(through.filter((url) => url === HANGING).length).toBeLessThanOrEqual(1);
});

test('the requests of one user, hanging in hundreds, leave places to others', async () => {
  await start({ requests_per_user: '5' });
  const [alice, bob] = [await gateway.person('alice'), await gateway.person('bob')];
  // Denied to users without a grant: so that what hangs is at the upstream.
  for (let count = 0; count < 80; count += 1) {
    standStill(headOf(`GET ${HANGING} HTTP/1.1`, ADMIN));
  }
  await until(() => hanging.length === 5);
  for (const person of [alice, bob]) {
    expect((await person.get('/version')).status).toBe(200);
  }
  expect(hanging).toHaveLength(5);
  hanging[0]?.end('{}');
  await until(() => hanging.length === 6);
});

test('beyond a few times as many waiting they are refused, not kept', async () => {
  await start({ requests_per_user: '1', upstream_timeout_seconds: '1' });
  const answers = await Promise.all(Array.from({ length: 30 }, () => gateway.admin.get(HANGING)));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(30 - 1 - 16);
  expect(refused[0]?.json.error_code).toBe('REQUEST_LIMIT_EXCEEDED');
  expect(answers.filter(({ status }) => status === 504)).toHaveLength(17);
});

test('the time that a request may take counts from its arrival, not from when a place is free', async () => {
  await start({ requests_per_user: '1', upstream_timeout_seconds: '2' });
  const started = performance.now();
  const answers = await Promise.all([gateway.admin.get(HANGING), gateway.admin.get(HANGING)]);
  expect(answers.map(({ status }) => status)).toEqual([504, 504]);
  expect(performance.now() - started).toBeLessThan(3_800);
});

test('a request that waited is asked for its sender again', async () => {
  await start({ requests_per_user: '1' });
  const second = await gateway.person('second');
  const { username } = second;
  await gateway.admin.patch('/api/2.0/mlflow/users/update-admin', { username, is_admin: true });
  const first = second.get(HANGING);
  await until(() => hanging.length === 1);
  const waits = second.get(HANGING);
  await gateway.admin.delete('/api/2.0/mlflow/users/delete', { username });
  hanging[0]?.end('{}');
  expect((await first).status).toBe(200);
  expect((await waits).status).toBe(401);
  expect(hanging).toHaveLength(1);
});
