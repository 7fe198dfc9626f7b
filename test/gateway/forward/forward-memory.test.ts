import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../../support/fake-upstream.ts';
import { ADMIN } from '../../support/gateway.ts';
import { type GatewayProcess, startGatewayProcess } from '../../support/gateway-process.ts';

const MiB = 1024 * 1024;
const SIZE = 200 * MiB;
const ARTIFACT = '/api/2.0/mlflow-artifacts/artifacts/1/0123456789abcdef0123456789abcdef/artifacts/file';

const dir = mkdtempSync(join(tmpdir(), 'gateway-memory-'));
let upstream: FakeUpstream;
let gateway: GatewayProcess;

beforeAll(async () => {
  upstream = await startFakeUpstream(async (request, response) => {
    if (request.method === 'GET') {
      Readable.from(chunks(Number(request.headers['x-size']))).pipe(response);
      return;
    }
    let length = 0;
    for await (const part of request) {
      length += part.length;
    }
    response.end(String(length));
  });
  gateway = await startGatewayProcess(upstream.uri, join(dir, 'gateway.db'));
});
afterAll(async () => {
  await gateway.end('SIGKILL');
  await upstream.close();
  rmSync(dir, { recursive: true });
});

function* chunks(size: number) {
  const chunk = Buffer.alloc(MiB, 'artifact');
  for (let at = 0; at < size; at += chunk.length) {
    yield chunk;
  }
}

function open(method: string, headers: Record<string, string | number> = {}) {
  const authorization = `Basic ${Buffer.from(`${ADMIN.username}:${ADMIN.password}`).toString('base64')}`;
  return httpRequest(`${gateway.url}${ARTIFACT}`, { method, headers: { authorization, ...headers } });
}

async function download(size: number): Promise<number> {
  const sent = open('GET', { 'x-size': size });
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  let length = 0;
  for await (const part of answer) {
    length += part.length;
  }
  return length;
}

async function upload(size: number): Promise<number> {
  const sent = open('PUT', { 'content-length': size });
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
  await pipeline(Readable.from(chunks(size)), sent);
  const [answer] = await answered;
  let text = '';
  for await (const part of answer) {
    text += part;
  }
  return Number(text);
}

/** Resident memory of the gateway, in bytes. */
async function memory(): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(gateway.pid)]);
  return Number(stdout) * 1024;
}

test('200 MiB down and up do not grow the gateway by more than a few buffers', async () => {
  // What comes with the first requests, whatever their size.
  for (let warmUp = 0; warmUp < 16; warmUp += 1) {
    await download(MiB);
    await upload(MiB);
  }
  const before = await memory();
  let peak = before;
  let running = true;
  const watching = (async () => {
    while (running) {
      peak = Math.max(peak, await memory());
    }
  })();
  expect(await download(SIZE)).toBe(SIZE);
  expect(await upload(SIZE)).toBe(SIZE);
  running = false;
  await watching;
  expect(peak - before).toBeLessThan(24 * MiB);
});
