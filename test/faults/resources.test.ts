/** What users see when the machine runs out: of file descriptors, of disk, of patience with idle clients. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ADMIN, personAt, startGateway, unique } from '../support/gateway.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { useDirectory } from '../support/use-directory.ts';
import { useFakeUpstream } from '../support/use-gateway.ts';

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');
const OWN = '/api/2.0/mlflow/users/current';
const dir = useDirectory('resources');
const upstream = useFakeUpstream();

/** Opens connections on which nothing is asked; those that are not taken are closed by the other side. */
async function openIdle(url: string, count: number): Promise<readonly Socket[]> {
  const { hostname, port } = new URL(url);
  const sockets = Array.from({ length: count }, () => connect(Number(port), hostname).on('error', () => {}));
  onTestFinished(() => sockets.forEach((socket) => void socket.destroy()));
  await Promise.all(sockets.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])));
  return sockets;
}

describe('file descriptors', () => {
  const LIMIT = 150;

  const limited = ['sh', '-c', `ulimit -n ${LIMIT}; exec "$0" "$@"`, process.execPath, MAIN];
  const store = join(dir, 'descriptors.db');
  const adminAt = (url: string) => personAt(url, ADMIN.username, ADMIN.password);
  const served = (url: string) =>
    expect
      .poll(
        async () =>
          (
            await adminAt(url)
              .get(OWN)
              .catch(() => undefined)
          )?.status,
        { timeout: 20_000 },
      )
      .toBe(200);
  /** Takes all that the gateway has. */
  async function exhaust({ url, pid }: GatewayProcess): Promise<readonly Socket[]> {
    const idle = await openIdle(url, 2 * LIMIT);
    await expect.poll(() => readdirSync(`/proc/${pid}/fd`).length).toBeGreaterThan(LIMIT - 10);
    return idle;
  }

  test('that run out cost those who come then, and nobody afterwards', async () => {
    const gateway = await startGatewayProcess(upstream.uri, store, {}, limited);
    await served(gateway.url);
    const idle = await exhaust(gateway);
    // Whoever comes now is turned away or served, and not kept waiting.
    const answer = await adminAt(gateway.url)
      .get(OWN)
      .catch((error: Error) => error);
    expect(answer instanceof Error || [200, 503].includes(answer.status)).toBe(true);
    release(idle);
    await served(gateway.url);
    const made = await adminAt(gateway.url).post('/api/2.0/mlflow/users/create', {
      username: 'made-afterwards',
      password: 'a long enough password',
    });
    expect(made.status).toBe(200);
    expect(await gateway.end('SIGTERM')).toBe(0);
  });

  test('that run out before the first password is checked do not end the gateway', async () => {
    const gateway = await startGatewayProcess(upstream.uri, store, {}, limited);
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const idle = await exhaust(gateway);
    // The thread that is to check it cannot be started.
    const credentials = btoa(`${ADMIN.username}:${ADMIN.password}`);
    socket.write(`GET ${OWN} HTTP/1.1\r\nHost: a\r\nAuthorization: Basic ${credentials}\r\n\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 503 .*TEMPORARILY_UNAVAILABLE/s);
    socket.destroy();
    release(idle);
    await served(gateway.url);
    expect(await gateway.end('SIGTERM')).toBe(0);
  });
});

function release(sockets: readonly Socket[]): void {
  for (const socket of sockets) {
    socket.destroy();
  }
}

describe('thousands of idle connections', () => {
  const COUNT = 3_000;
  /** Fewer than wait to be accepted at most: what overflows is lost, while its client takes it for open. */
  const AT_ONCE = 300;

  test('leave users their answers, and are closed when their time is over', async () => {
    const gateway = await startGatewayProcess(upstream.uri, join(dir, 'idle.db'), {
      MLFLOW_AUTH_CLIENT_TIMEOUT_SECONDS: '5',
    });
    const admin = personAt(gateway.url, ADMIN.username, ADMIN.password);
    expect((await admin.get(OWN)).status).toBe(200);
    const idle: Socket[] = [];
    while (idle.length < COUNT) {
      idle.push(...(await openIdle(gateway.url, AT_ONCE)));
      // A gateway that answers has accepted those that waited.
      expect((await admin.get(OWN)).status).toBe(200);
    }
    // Half of them begin a request and never end it.
    for (const socket of idle.slice(COUNT / 2)) {
      socket.write('GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ');
    }
    expect(idle.filter(({ destroyed }) => destroyed)).toEqual([]);
    expect((await admin.get(OWN)).status).toBe(200);
    for (const socket of idle) {
      socket.resume();
    }
    await expect
      .poll(() => idle.filter(({ destroyed }) => !destroyed).length, { timeout: 50_000, interval: 500 })
      .toBe(0);
    expect((await admin.get(OWN)).status).toBe(200);
    expect(await gateway.end('SIGTERM')).toBe(0);
  });
});

// A small disk of its own is for root to make.
describe.skipIf(process.getuid?.() !== 0)('a disk that is full', () => {
  const disk = join(dir, 'disk');
  beforeAll(() => {
    execFileSync('mkdir', [disk]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]);
  });
  afterAll(() => {
    execFileSync('umount', ['-l', disk]);
  });

  test('is a 503 for what must be written, users are served, and nothing is lost once there is room', async () => {
    const gateway = await startGateway(upstream.uri, {
      database_uri: `sqlite:///${join(disk, 'gateway.db')}`,
    });
    const bob = await gateway.person('bob');
    const which = { experiment_id: '1', username: bob.username };
    const grant = (permission: string) =>
      gateway.admin.post('/api/2.0/mlflow/experiments/permissions/create', { ...which, permission });
    expect((await grant('READ')).status).toBe(200);
    fill(join(disk, 'filler'));

    const statuses = new Set<number>();
    for (let count = 0; count < 30; count += 1) {
      const user = { username: unique('full'), password: 'a long enough password' };
      const made = await gateway.admin.post('/api/2.0/mlflow/users/create', user);
      statuses.add(made.status);
      if (made.status !== 200) {
        expect(made).toMatchObject({ status: 503, json: { error_code: 'TEMPORARILY_UNAVAILABLE' } });
        expect(made.text).not.toMatch(/disk|SQLITE|\//i);
      }
    }
    expect([...statuses]).toContain(503);
    expect((await bob.get('/api/2.0/mlflow/experiments/get?experiment_id=1')).status).toBe(200);

    rmSync(join(disk, 'filler'));
    const removed = await gateway.admin.delete('/api/2.0/mlflow/experiments/permissions/delete', which);
    expect(removed.status).toBe(200);
    expect((await bob.get('/api/2.0/mlflow/experiments/get?experiment_id=1')).status).toBe(403);
    await gateway.close();
  });

  /** Takes all the room that is left. */
  function fill(file: string): void {
    for (let size = 2 * 1024 * 1024; size >= 512; size /= 2) {
      try {
        writeFileSync(file, Buffer.alloc(size), { flag: 'a' });
      } catch {
        // No room for that much.
      }
    }
  }
});
