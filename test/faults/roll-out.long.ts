/**
 * Two gateways of an older version on one PostgreSQL are replaced by this one, one after the other, while rights change and
 * users work: `ROLL_OUT_FROM` (the newest release).
 */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ADMIN, createExperiment, personAt } from '../support/gateway.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { NEWEST, sharedMlflow } from '../support/mlflow.ts';
import { startPostgresql } from '../support/postgresql.ts';
import { useDirectory } from '../support/use-directory.ts';
import { newestRelease, writeOut } from './older-version.ts';
import { soak } from './soak.ts';

const FROM = process.env['ROLL_OUT_FROM'] ?? newestRelease();
const API = '/api/2.0/mlflow';
const BOB = { username: 'bob', password: 'a long enough password' };
const SECONDS = 20;
const dir = useDirectory('roll-out');

test.skipIf(FROM === undefined)(`nobody is refused, and no right is stale, from ${FROM} on`, async () => {
  const postgresql = await startPostgresql();
  const database = { MLFLOW_AUTH_DATABASE_URI: await postgresql.database() };
  const { socketUri } = await sharedMlflow(NEWEST);
  const start = (program?: readonly string[]) =>
    startGatewayProcess(socketUri, join(dir, 'unused.db'), database, program);
  const older = writeOut(FROM ?? '', dir);
  const [one, other] = [await start(older), await start(older)];
  /** Where a load balancer would send requests to. */
  const places: [GatewayProcess, GatewayProcess] = [one, other];
  const at = (place: 0 | 1, { username, password }: typeof BOB) =>
    personAt(places[place].url, username, password);

  await at(0, ADMIN).post(`${API}/users/create`, BOB);
  const experiment_id = await createExperiment(at(0, ADMIN));
  const which = { experiment_id, username: BOB.username };
  const permissions = `${API}/experiments/permissions`;
  await at(0, ADMIN).post(`${permissions}/create`, { ...which, permission: 'NO_PERMISSIONS' });
  const { json: token } = await at(1, BOB).post(`${API}/users/tokens/create`, { name: 'made before' });

  const statuses = new Set<number>();
  const reader = (place: 0 | 1) => ({
    async get(target: string) {
      const answer = await at(place, BOB).get(target);
      statuses.add(answer.status);
      return answer;
    },
  });
  const soaking = soak({
    ms: SECONDS * 1_000,
    everyMs: 100,
    change: async (permission, turn) =>
      (await at(turn % 2 === 0 ? 0 : 1, ADMIN).patch(`${permissions}/update`, { ...which, permission }))
        .status,
    readers: [reader(0), reader(1), reader(0), reader(1)],
    target: `${API}/experiments/get?experiment_id=${experiment_id}`,
  });
  for (const place of [0, 1] as const) {
    const leaving = places[place];
    places[place] = await start();
    expect(await leaving.end('SIGTERM')).toBe(0);
  }
  const { stale, changes } = await soaking;

  expect(stale).toEqual([]);
  expect(changes).toBeGreaterThan(10);
  expect([...statuses].toSorted()).toEqual([200, 403]);
  const withToken = personAt(places[1].url, BOB.username, token.secret);
  expect((await withToken.get(`${API}/users/current`)).status).toBe(200);
  // What the older ones wrote down is there beside what this version did.
  const about = `resource_type=experiment&resource_id=${experiment_id}&username=admin&max_results=1000`;
  const { json: log } = await at(1, ADMIN).get(`${API}/audit/search?${about}`);
  expect(log.entries.length).toBeGreaterThanOrEqual(changes);
  for (const { end } of places) {
    expect(await end('SIGTERM')).toBe(0);
  }
  await postgresql.close();
});
