/** A thousand clients that come at once, as after a restart. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';

const CLIENTS = 1_000;
/** What the system holds at most, whatever a server asks for. */
const HELD = Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'));

const dir = mkdtempSync(join(tmpdir(), 'storm-'));
let upstream: FakeUpstream;
let gateway: GatewayProcess;
beforeAll(async () => {
  upstream = await startFakeUpstream((_request, response) => void response.end());
  gateway = await startGatewayProcess(upstream.uri, join(dir, 'gateway.db'));
});
afterAll(async () => {
  await gateway.end('SIGKILL');
  await upstream.close();
  rmSync(dir, { recursive: true });
});

test.skipIf(HELD < CLIENTS)('all can connect while the gateway does nothing', async () => {
  const { hostname, port } = new URL(gateway.url);
  let connected = 0;
  process.kill(gateway.pid, 'SIGSTOP');
  const sockets = Array.from({ length: CLIENTS }, (): Socket => {
    const socket = connect(Number(port), hostname, () => {
      connected += 1;
    });
    return socket.on('error', () => {});
  });
  await expect.poll(() => connected).toBe(CLIENTS);
  process.kill(gateway.pid, 'SIGCONT');
  for (const socket of sockets) {
    socket.destroy();
  }
  expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
});
