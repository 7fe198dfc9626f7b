/**
 * There are only so many connections to MLflow. A client that leaves an answer unread, or a body half sent, must not
 * keep one for ever: whoever opened a few, even without an account, would keep everybody else out.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { ADMIN, startGateway, type TestGateway } from '../support/gateway.ts';

const CONNECTIONS = 2;
/** More than the buffers of all sockets on the way take. */
const LARGE = Buffer.alloc(64 * 1024 * 1024);
const AUTHORIZATION = `Basic ${Buffer.from(`${ADMIN.username}:${ADMIN.password}`).toString('base64')}`;

let upstream: FakeUpstream;
let gateway: TestGateway;
/** The answers that the upstream has not begun. */
let waiting: ServerResponse[];
/** How many requests have come through to the upstream. */
let through = 0;

beforeAll(async () => {
  waiting = [];
  upstream = await startFakeUpstream((request, response) => {
    through += 1;
    if (request.url === '/static-files/large.js') response.end(LARGE);
    else if (request.url === '/static-files/slow.js') waiting.push(response);
    else if (request.method === 'PUT') request.resume().on('error', () => {});
    else response.end('{}');
  });
  gateway = await startGateway(upstream.uri, {
    upstream_connections: String(CONNECTIONS),
    client_timeout_seconds: '1',
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

/** Sends this on a connection of its own, and reads nothing of what comes back. */
function standStill(bytes: string) {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname).pause();
  socket.on('error', () => {});
  socket.write(bytes);
  return socket;
}

test.each([
  ['leave an answer unread', 'GET /static-files/large.js HTTP/1.1\r\nHost: x\r\n\r\n'],
  [
    'leave a body half sent',
    `PUT /anything HTTP/1.1\r\nHost: x\r\nAuthorization: ${AUTHORIZATION}\r\nContent-Length: 100\r\n\r\nhalf`,
  ],
])('clients that %s keep nobody out for long', async (_, bytes) => {
  through = 0;
  const sockets = Array.from({ length: CONNECTIONS }, () => standStill(bytes));
  while (through < CONNECTIONS) await gateway.anonymous.get('/health');
  expect((await gateway.anonymous.get('/static-files/small.js')).status).toBe(200);
  for (const socket of sockets) socket.destroy();
});

test('a client that waits for MLflow is waited with', async () => {
  const patient = gateway.anonymous.get('/static-files/slow.js');
  while (waiting.length === 0) await gateway.anonymous.get('/health');
  // Came later, and is closed first.
  const still = standStill(
    `POST /api/2.0/mlflow/experiments/create HTTP/1.1\r\nHost: x\r\nAuthorization: ${AUTHORIZATION}\r\nContent-Length: 100\r\n\r\n{`,
  );
  still.resume();
  await once(still, 'close');
  waiting[0]?.end('at last');
  expect((await patient).text).toBe('at last');
});
