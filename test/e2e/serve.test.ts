import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { bytesOf, startFakeUpstream } from '../support/fake-upstream.ts';
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
