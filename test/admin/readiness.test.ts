import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { createReadiness } from '../../src/admin/readiness.ts';
import type { Answering, FakeUpstream } from '../support/fake-upstream.ts';
import type { Settings, TestGateway } from '../support/gateway.ts';
import { openGateway } from '../support/use-gateway.ts';

/** What a change may take until it is told. */
const WITHIN = { timeout: 5_000, interval: 100 };

let dir: string;
let socket: string;
let mlflow: Server;
let gateway: TestGateway;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'ready-'));
  socket = join(dir, 's');
  mlflow = await listen();
  const settings = { database_uri: `sqlite:///${join(dir, 'gateway.db')}` };
  onTestFinished(() => {
    mlflow.close();
    rmSync(dir, { recursive: true });
  });
  ({ gateway } = await openGateway({ upstream: `unix:${socket}`, settings }));
});

async function listen(): Promise<Server> {
  const server = createServer((request, response) =>
    response.end(request.url === '/version' ? '3.17.2' : 'OK'),
  );
  server.listen(socket);
  await once(server, 'listening');
  return server;
}

async function gone(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}

const ready = async () => {
  const { status, text } = await gateway.anonymous.get('/ready');
  return `${status} ${text}`;
};

test('ready in one word, without credentials', async () => {
  expect(await ready()).toBe('200 ready');
  const { headers } = await gateway.anonymous.get('/ready');
  expect(headers['cache-control']).toBe('no-store');
});

test('an MLflow that goes and comes back is told within five seconds, and the gateway lives on', async () => {
  await gone(mlflow);
  await expect.poll(ready, WITHIN).toBe('503 upstream');
  expect((await gateway.anonymous.get('/health')).text).toBe('OK');
  mlflow = await listen();
  await expect.poll(ready, WITHIN).toBe('200 ready');
  const told = gateway.log.filter(({ part }) => part === 'upstream').map(({ msg }) => msg);
  expect(told).toEqual(['the part is not ready', 'the part is ready again']);
});

test('a store that is moved away and put back is told within five seconds', async () => {
  const file = join(dir, 'gateway.db');
  renameSync(file, `${file}.away`);
  await expect.poll(ready, WITHIN).toBe('503 store');
  expect((await gateway.anonymous.get('/health')).text).toBe('OK');
  renameSync(`${file}.away`, file);
  await expect.poll(ready, WITHIN).toBe('200 ready');
});

describe('an upstream that', () => {
  let upstream: FakeUpstream;
  let other: TestGateway;

  const answering = async (fake: Answering, settings: Settings = {}) => {
    ({ gateway: other, upstream } = await openGateway({ fake, settings }));
  };
  const otherReady = async () => (await other.anonymous.get('/ready')).text;

  test('hangs is not ready, told before a probe loses its patience', async () => {
    await answering(() => {});
    const startedAt = performance.now();
    expect(await otherReady()).toBe('upstream');
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  test('answers with a failure is not ready', async () => {
    await answering((_request, response) => response.writeHead(500).end());
    expect(await otherReady()).toBe('upstream');
  });

  test('is busy with requests on all connections is ready', async () => {
    await answering(
      (request, response) => {
        if (request.url === '/health') {
          response.end('OK');
        }
      },
      { upstream_connections: '1' },
    );
    const hanging = other.admin.get('/api/2.0/hangs').catch(() => undefined);
    expect(await otherReady()).toBe('ready');
    await upstream.close();
    await hanging;
  });

  test('is asked once a second, however many ask the gateway', async () => {
    let asked = 0;
    await answering((request, response) => {
      asked += request.url === '/health' ? 1 : 0;
      response.end('OK');
    });
    await Promise.all(Array.from({ length: 50 }, otherReady));
    expect(asked).toBe(1);
  });
});

test('a store that never answers is given up', async () => {
  const readiness = createReadiness({
    store: { ping: () => new Promise(() => {}) },
    upstream: { ping: async () => {} },
    clock: Date.now,
  });
  const { store, upstream } = await readiness.ask();
  expect([store.ready, upstream.ready]).toEqual([false, true]);
});

describe('GET status', () => {
  const STATUS = '/api/2.0/mlflow/status';

  test('tells an admin about the gateway, its store and its MLflow', async () => {
    const { status, json } = await gateway.admin.get(STATUS);
    expect(status).toBe(200);
    expect(json).toMatchObject({
      version: manifest.version,
      ready: true,
      store: { ready: true, open_intents: 0 },
      upstream: { ready: true, mlflow_version: '3.17.2', problems: [] },
    });
    expect(Date.now() - json.started_at).toBeLessThan(60_000);
    expect(json.store.latency_ms).toBeGreaterThanOrEqual(0);
  });

  test('says what is wrong', async () => {
    await gone(mlflow);
    const upstream = async () => (await gateway.admin.get(STATUS)).json.upstream;
    await expect
      .poll(upstream, WITHIN)
      .toMatchObject({ ready: false, because: expect.stringContaining('ENOENT') });
    mlflow = await listen();
  });

  test('is nobody else’s business', async () => {
    const user = await gateway.person();
    expect((await user.get(STATUS)).status).toBe(403);
    expect((await gateway.anonymous.get(STATUS)).status).toBe(401);
  });
});
