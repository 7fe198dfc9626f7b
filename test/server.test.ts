import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, test, vi } from 'vitest';
import { settings } from '../src/config.ts';
import { startServer } from '../src/server.ts';
import { ADMIN, personAt } from './support/gateway.ts';
import { openGateway } from './support/use-gateway.ts';

test('the first administrator can sign in as soon as the gateway listens', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'server-'));
  let answered: Promise<number> | undefined;
  const logger = pino(
    {},
    {
      write(line: string) {
        const [, url] = /Server listening at (http:[^"]+)/.exec(line) ?? [];
        if (url === undefined) {
          return;
        }
        const admin = personAt(url, ADMIN.username, ADMIN.password);
        answered ??= admin.get('/api/2.0/mlflow/users/current').then(({ status }) => status);
      },
    },
  );
  const config = settings.parse({
    upstream_uri: 'http://127.0.0.1:1',
    database_uri: `sqlite:///${join(dir, 'gateway.db')}`,
    port: '0',
    admin_password: ADMIN.password,
  });
  const server = await startServer(config, { logger });
  expect(await answered).toBe(200);
  await server.close();
  rmSync(dir, { recursive: true });
});

test('an MLflow under a path prefix is named as a likely mistake at the start', async () => {
  const { gateway } = await openGateway({ fake: (_request, response) => response.writeHead(404).end() });
  const warnings = () => gateway.log.filter(({ level }) => level === 40).map(({ msg }) => msg);
  await expect.poll(warnings).toContainEqual(expect.stringContaining('--static-prefix'));
});

test('an MLflow that starts after the gateway is named once it answers', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const dir = mkdtempSync(join(tmpdir(), 'late-'));
  const socket = join(dir, 'mlflow.sock');
  const { gateway } = await openGateway({ upstream: `unix:${socket}` });
  const late = createServer((_request, response) => response.end('3.17.2'));
  onTestFinished(() => {
    vi.useRealTimers();
    late.close();
    rmSync(dir, { recursive: true });
  });
  const said = () => gateway.log.map(({ msg }) => msg);
  await expect.poll(said).toContain('the upstream does not answer yet');
  vi.advanceTimersByTime(60_000);
  await gateway.admin.get('/health');
  const silence = gateway.log.filter(({ msg }) => msg === 'the upstream does not answer yet');
  expect(silence).toEqual([expect.objectContaining({ because: expect.stringContaining('ENOENT') })]);
  expect(silence[0]).not.toHaveProperty('err');
  late.listen(socket);
  await once(late, 'listening');
  vi.advanceTimersByTime(30_000);
  await expect.poll(said).toContain('the upstream is MLflow');
  vi.advanceTimersByTime(90_000);
  await gateway.admin.get('/health');
  expect(said().filter((line) => line === 'the upstream is MLflow')).toHaveLength(1);
});
