import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { bytesOf, startFakeUpstream } from '../support/fake-upstream.ts';
import { personAt } from '../support/gateway.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';

const dir = mkdtempSync(join(tmpdir(), 'gateway-serve-'));
afterAll(() => rmSync(dir, { recursive: true }));

test('SIGTERM lets what is under way end, then the process ends with 0', async () => {
  let finish = () => {};
  const upstream = await startFakeUpstream((_request, response) => {
    response.write('first');
    finish = () => response.end('last');
  });
  const gateway = await startGatewayProcess(upstream.uri, join(dir, 'gateway.db'));
  expect(await (await fetch(`${gateway.url}/health`)).text()).toBe('OK');

  const sent = httpRequest(`${gateway.url}/static-files/x`, { agent: false });
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const ended = gateway.end('SIGTERM');
  // Nobody new is let in.
  await expect.poll(() => fetch(`${gateway.url}/health`).catch(() => 'refused')).toBe('refused');
  finish();
  expect((await bytesOf(answer)).toString()).toBe('firstlast');
  expect(await ended).toBe(0);
  await upstream.close();
});

test('the first start makes up a password and shows it once, outside of the log', async () => {
  const upstream = await startFakeUpstream();
  const start = () =>
    startGatewayProcess(upstream.uri, join(dir, 'first.db'), { MLFLOW_AUTH_ADMIN_PASSWORD: undefined });
  const first = await start();
  const shown = () =>
    /^The first administrator was created\. .* shown once:\n\n {2}user {6}admin\n {2}password {2}(\S{24})\n/m.exec(
      first.output(),
    )?.[1];
  await expect.poll(shown).toBeDefined();
  const admin = personAt(first.url, 'admin', shown() ?? '');
  expect((await admin.get('/api/2.0/mlflow/users/current')).status).toBe(200);
  await first.end('SIGTERM');
  expect(first.output().split(shown() ?? '')).toHaveLength(2);

  const second = await start();
  await second.end('SIGTERM');
  expect(second.output()).not.toContain('administrator');
  await upstream.close();
});

test('every start says how to get back in, and that a second password of the first administrator is ignored', async () => {
  const upstream = await startFakeUpstream();
  const start = (password: string) =>
    startGatewayProcess(upstream.uri, join(dir, 'back-in.db'), { MLFLOW_AUTH_ADMIN_PASSWORD: password });
  for (const password of ['the first password', 'a second password']) {
    const gateway = await start(password);
    await expect.poll(gateway.output, { timeout: 30_000 }).toContain('mlflow-auth-gateway create-admin NAME');
    if (password === 'a second password') {
      await expect
        .poll(gateway.output, { timeout: 30_000 })
        .toContain('(MLFLOW_AUTH_ADMIN_PASSWORD) is ignored');
    }
    await gateway.end('SIGTERM');
    expect(gateway.output().includes('is ignored')).toBe(password === 'a second password');
  }
  await upstream.close();
});
