/** A SQLite store that a newer version has added to, as while gateways are replaced one after another. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { useDirectory } from '../support/use-directory.ts';
import { useFakeUpstream } from '../support/use-gateway.ts';

const EXPERIMENT = '/api/2.0/mlflow/experiments/get?experiment_id=1';
const dir = useDirectory('newer-version');
const file = join(dir, 'gateway.db');
const upstream = useFakeUpstream();

test('an older gateway that runs goes on with it; one that is started refuses it with a sentence', async () => {
  const gateway = await startGateway(upstream.uri, { database_uri: `sqlite:///${file}` });
  const bob = await gateway.person('bob');
  const newer = new Database(file);
  newer.exec(`
    alter table users add column of_a_newer_version text;
    alter table grants add column of_a_newer_version text;
    create table of_a_newer_version (id integer);
    insert into kysely_migration (name, timestamp) values ('9999-newer', '2030-01-01T00:00:00.000Z');
  `);
  newer.close();

  const which = { experiment_id: '1', username: bob.username };
  const permissions = '/api/2.0/mlflow/experiments/permissions';
  expect((await bob.get(EXPERIMENT)).status).toBe(403);
  expect((await gateway.admin.post(`${permissions}/create`, { ...which, permission: 'READ' })).status).toBe(
    200,
  );
  expect((await bob.get(EXPERIMENT)).status).toBe(200);
  expect((await gateway.admin.delete(`${permissions}/delete`, which)).status).toBe(200);
  expect((await bob.get(EXPERIMENT)).status).toBe(403);
  expect((await (await gateway.person('made-meanwhile')).get('/api/2.0/mlflow/users/current')).status).toBe(
    200,
  );

  await expect(startGateway(upstream.uri, { database_uri: `sqlite:///${file}` })).rejects.toThrow(
    /newer version of the gateway has used it/,
  );
  await gateway.close();
});
