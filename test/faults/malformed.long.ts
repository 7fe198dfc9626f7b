/** As malformed.test.ts, `FAULTS_REQUESTS` times (1,000,000), at a gateway that does not grow by it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { freePort } from '../support/free-port.ts';
import { ADMIN, personAt } from '../support/gateway.ts';
import { flood } from './malformed.ts';

const COUNT = Number(process.env['FAULTS_REQUESTS'] ?? 1_000_000);
const SEED = Number(process.env['FAULTS_SEED'] ?? 3);
const PARTS = 10;
const HOURS = 3_600_000;
const dir = mkdtempSync(join(tmpdir(), 'malformed-'));
let upstream: FakeUpstream;
let gateway: ChildProcess;
let url: string;

beforeAll(async () => {
  upstream = await startFakeUpstream((_request, response) => {
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end('{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none"}');
  });
  const port = String(await freePort());
  url = `http://127.0.0.1:${port}`;
  // Its log, a line a request, goes nowhere.
  const main = resolve(import.meta.dirname, '../../src/main.ts');
  // With room V8 puts off collecting, which looks like growth; what is kept for good ends a small heap.
  gateway = spawn(process.execPath, ['--max-old-space-size=96', '--max-semi-space-size=8', main, 'serve'], {
    env: {
      PATH: process.env['PATH'],
      MLFLOW_AUTH_UPSTREAM_URI: upstream.uri,
      MLFLOW_AUTH_DATABASE_URI: `sqlite:///${join(dir, 'gateway.db')}`,
      MLFLOW_AUTH_PORT: port,
      MLFLOW_AUTH_ADMIN_PASSWORD: ADMIN.password,
      MLFLOW_AUTH_PASSWORD_ROUNDS: '4',
    },
    stdio: 'ignore',
  });
  await vi.waitFor(async () => expect((await fetch(`${url}/health`)).status).toBe(200), 60_000);
});
afterAll(async () => {
  const ended = once(gateway, 'exit');
  gateway.kill('SIGTERM');
  await ended;
  await upstream.close();
  rmSync(dir, { recursive: true });
});

const residentMb = () =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]) / 1024;

test(`${COUNT} of them`, { timeout: 3 * HOURS }, async () => {
  const admin = personAt(url, ADMIN.username, ADMIN.password);
  const memory: number[] = [];
  for (let part = 0; part < PARTS; part += 1) {
    const { statuses, failures, hung } = await flood(url, admin, {
      count: COUNT / PARTS,
      seed: SEED + part,
    });
    expect(failures).toEqual([]);
    expect(hung).toEqual([]);
    memory.push(Math.round(residentMb()));
    console.log(statuses, memory.at(-1));
  }
  const [early = 0] = memory.slice(2);
  expect(memory.at(-1)).toBeLessThan(early * 1.3);
  expect((await admin.get('/api/2.0/mlflow/users/current')).status).toBe(200);
});
