/** As malformed.test.ts, `FAULTS_REQUESTS` times (1,000,000), at a gateway that does not grow by it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { ADMIN, personAt } from '../support/gateway.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { flood } from './malformed.ts';

const COUNT = Number(process.env['FAULTS_REQUESTS'] ?? 1_000_000);
const SEED = Number(process.env['FAULTS_SEED'] ?? 3);
const PARTS = 10;
const HOURS = 3_600_000;
const dir = mkdtempSync(join(tmpdir(), 'malformed-'));
let upstream: FakeUpstream;
let gateway: GatewayProcess;

beforeAll(async () => {
  upstream = await startFakeUpstream((_request, response) => {
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end('{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none"}');
  });
  gateway = await startGatewayProcess(upstream.uri, join(dir, 'gateway.db'), {
    MLFLOW_AUTH_LOG_LEVEL: 'error',
  });
});
afterAll(async () => {
  await gateway.end('SIGTERM');
  await upstream.close();
  rmSync(dir, { recursive: true });
});

const residentMb = () =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]) / 1024;

test(`${COUNT} of them`, { timeout: 3 * HOURS }, async () => {
  const admin = personAt(gateway.url, ADMIN.username, ADMIN.password);
  const memory: number[] = [];
  for (let part = 0; part < PARTS; part += 1) {
    const { statuses, failures, hung } = await flood(gateway.url, admin, {
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
