import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';

/** Far below drain_seconds, which is 30: a user who waits for that waits too long. */
const AT_ONCE_MS = 5_000;

const dir = mkdtempSync(join(tmpdir(), 'gateway-sigterm-'));
let upstream: FakeUpstream;
let gateway: GatewayProcess;
/** The answer that is under way. */
let answering: ServerResponse | undefined;

beforeEach(async () => {
  answering = undefined;
  upstream = await startFakeUpstream((_request, response) => {
    answering = response;
    response.write('first');
  });
  gateway = await startGatewayProcess(upstream.uri, join(dir, 'gateway.db'));
});
afterEach(() => upstream.close());
afterAll(() => rmSync(dir, { recursive: true }));

async function open(): Promise<Socket> {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  return socket;
}

async function ask(socket: Socket, path: string): Promise<string> {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk.toString();
}

const closed = (socket: Socket) => once(socket, 'close', { signal: AbortSignal.timeout(AT_ONCE_MS) });

test('connections that nothing is asked on are closed at once, while a download goes on to its end', async () => {
  const idle = await open();
  await ask(idle, '/health');
  const fresh = await open();
  const busy = await open();
  await ask(busy, '/static-files/x');

  const ended = gateway.end('SIGTERM');
  await Promise.all([closed(idle), closed(fresh)]);
  expect(busy.destroyed).toBe(false);

  const rest = once(busy, 'data') as Promise<[Buffer]>;
  answering?.end('last');
  expect((await rest)[0].toString()).toContain('last');
  // Kept alive by its client, but not by a gateway that ends.
  await closed(busy);
  expect(await ended).toBe(0);
});

test('a group that gets the signal from two sides ends no earlier, and with 0', async () => {
  const busy = await open();
  await ask(busy, '/static-files/x');
  const ended = gateway.end('SIGTERM');
  // What npm does for its child while the terminal or the service manager has signalled the whole group.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGTERM'] as const) {
    process.kill(gateway.pid, signal);
  }
  const refused = () =>
    open().then(
      (socket) => socket.destroy(),
      () => 'refused',
    );
  await expect.poll(refused).toBe('refused');
  process.kill(gateway.pid, 'SIGTERM');
  const rest = once(busy, 'data') as Promise<[Buffer]>;
  answering?.end('last');
  expect((await rest)[0].toString()).toContain('last');
  expect(await ended).toBe(0);
});
