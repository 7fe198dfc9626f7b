/** As soak.test.ts with gateways as processes of their own, for `FAULTS_SOAK_SECONDS` (600); memory and handles stay flat. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readScrape } from '../metrics/scrape.ts';
import { freePort } from '../support/free-port.ts';
import { ADMIN, createExperiment, personAt } from '../support/gateway.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { NEWEST, sharedMlflow } from '../support/mlflow.ts';
import { type RunningPostgresql, startPostgresql } from '../support/postgresql.ts';
import { soak } from './soak.ts';

const SECONDS = Number(process.env['FAULTS_SOAK_SECONDS'] ?? 600);
const API = '/api/2.0/mlflow';
const BOB = { username: 'bob', password: 'a long enough password' };

let postgresql: RunningPostgresql;
const gateways: { readonly process: GatewayProcess; readonly metrics: string }[] = [];

beforeAll(async () => {
  postgresql = await startPostgresql();
  const uri = await postgresql.database();
  const { socketUri } = await sharedMlflow(NEWEST);
  for (let number = 0; number < 2; number += 1) {
    const port = String(await freePort());
    const process = await startGatewayProcess(socketUri, '', {
      MLFLOW_AUTH_DATABASE_URI: uri,
      MLFLOW_AUTH_METRICS_PORT: port,
    });
    gateways.push({ process, metrics: `http://127.0.0.1:${port}/metrics` });
  }
});
afterAll(async () => {
  for (const { process } of gateways) {
    await process.end('SIGTERM');
  }
  await postgresql.close();
});

async function usageOf(metrics: string) {
  const scrape = readScrape(await (await fetch(metrics)).text());
  const value = (name: string) => scrape.series(name)[''] ?? Number.NaN;
  return { memory: value('process_resident_memory_bytes'), handles: value('process_open_fds') };
}

test(`${SECONDS} seconds of it, not one stale answer, flat memory and handles`, async () => {
  const admins = gateways.map(({ process }) => personAt(process.url, ADMIN.username, ADMIN.password));
  const [admin] = admins;
  if (admin === undefined) {
    throw new Error('no gateway');
  }
  await admin.post(`${API}/users/create`, BOB);
  const experiment_id = await createExperiment(admin);
  const which = { experiment_id, username: BOB.username };
  await admin.post(`${API}/experiments/permissions/create`, { ...which, permission: 'NO_PERMISSIONS' });
  const run = (seconds: number) =>
    soak({
      ms: seconds * 1_000,
      everyMs: 1_000,
      change: async (permission, turn) =>
        (await admins[turn % 2]?.patch(`${API}/experiments/permissions/update`, { ...which, permission }))
          ?.status ?? 0,
      readers: [0, 1, 0, 1, 0, 1].map((which) =>
        personAt(gateways[which]?.process.url ?? '', BOB.username, BOB.password),
      ),
      target: `${API}/experiments/get?experiment_id=${experiment_id}`,
    });

  // What V8 compiles and remembers is there by then.
  const warm = await run(SECONDS / 4);
  const before = await Promise.all(gateways.map(({ metrics }) => usageOf(metrics)));
  const soaked = await run((SECONDS * 3) / 4);
  const after = await Promise.all(gateways.map(({ metrics }) => usageOf(metrics)));
  console.log({ warm, soaked, before, after });

  expect([...warm.stale, ...soaked.stale]).toEqual([]);
  for (const [index, { memory, handles }] of before.entries()) {
    expect(after[index]?.handles).toBeLessThanOrEqual(handles + 10);
    expect(after[index]?.memory).toBeLessThan(memory * 1.25);
  }
});
