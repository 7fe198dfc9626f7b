/**
 * What is denied stays denied by whatever spelling MLflow's database takes for a name, and grants leave with the thing
 * they are on. SQLite and PostgreSQL compare names exactly, MariaDB without regard to case, accents and trailing blanks.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { grantOn, type Person, unique } from '../support/gateway.ts';
import { isMariadbMissing, startMariadb } from '../support/mariadb.ts';
import { NEWEST, startMlflow } from '../support/mlflow.ts';
import { sharedPostgresql } from '../support/shared-postgresql.ts';
import { closedAtTheEnd, useGateway } from '../support/use-gateway.ts';

const A2 = '/api/2.0/mlflow';
const MODELS = `${A2}/registered-models`;

const DATABASES = [
  { name: 'SQLite', isLoose: false, uri: async () => ({ uri: undefined, close: async () => {} }) },
  {
    name: 'PostgreSQL',
    isLoose: false,
    uri: async () => ({ uri: await sharedPostgresql(), close: async () => {} }),
  },
  { name: 'MariaDB', isLoose: true, uri: startMariadb },
];

describe.each(DATABASES)('on $name', ({ name, isLoose, uri }) => {
  const isMissing = name === 'MariaDB' && isMariadbMissing();
  if (isMissing) {
    test.skip('nothing is tried: there is no mariadbd on this machine (apt install mariadb-server)');
    return;
  }
  const closing = closedAtTheEnd();
  let socketUri = '';
  beforeAll(async () => {
    const database = closing(await uri());
    const dir = mkdtempSync(join(tmpdir(), 'databases-'));
    closing({ close: async () => rmSync(dir, { recursive: true, force: true }) });
    const mlflow = await startMlflow({
      version: NEWEST,
      dir,
      ...(database.uri !== undefined && { args: ['--backend-store-uri', database.uri] }),
    });
    closing({ close: () => mlflow.stop() });
    ({ socketUri } = mlflow);
  });
  const { gateway, alice, bob } = useGateway({
    upstream: () => socketUri,
    settings: { default_permission: 'NO_PERMISSIONS' },
    people: ['alice', 'bob'],
  });

  const create = (person: Person, model: string) => person.post(`${MODELS}/create`, { name: model });
  const read = (person: Person, model: string) =>
    person.get(`${MODELS}/get?name=${encodeURIComponent(model)}`);
  const spellings = (model: string) => [
    model.toLowerCase(),
    model.toUpperCase(),
    `${model} `,
    model.replace('e', 'é'),
    model.replace('e', 'E'),
  ];

  test('a model that is denied to a user who may manage all others stays denied', async () => {
    const model = unique('Denied');
    expect((await create(gateway.admin, model)).status).toBe(200);
    const chief = await gateway.person('chief');
    await grantOn(gateway.admin, chief, 'registered_model', '*', 'MANAGE');
    await grantOn(gateway.admin, chief, 'registered_model', model, 'DENY');
    for (const each of [model, ...spellings(model)]) {
      const tag = { name: each, key: 'k', value: 'v' };
      const version = { name: each, source: 'dummy-source' };
      expect((await read(chief, each)).status, each).not.toBe(200);
      expect((await chief.post(`${MODELS}/set-tag`, tag)).status, each).not.toBe(200);
      expect((await chief.post(`${A2}/model-versions/create`, version)).status, each).not.toBe(200);
      expect((await chief.post(`${MODELS}/rename`, { name: each, new_name: unique('x') })).status).not.toBe(
        200,
      );
      expect((await chief.delete(`${MODELS}/delete`, { name: each })).status, each).not.toBe(200);
    }
    const left = await read(gateway.admin, model);
    expect([left.status, left.json.registered_model.name]).toEqual([200, model]);
    expect(left.json.registered_model.tags ?? []).toEqual([]);
    // Others are opened by the wide grant still.
    const other = unique('Other');
    await create(gateway.admin, other);
    expect((await read(chief, other)).status).toBe(200);
  });

  test('grants leave with a model, by whatever spelling it is deleted', async () => {
    const model = unique('Deleted');
    await create(alice, model);
    const spelled = isLoose ? model.toLowerCase() : model;
    expect((await gateway.admin.delete(`${MODELS}/delete`, { name: spelled })).status).toBe(200);
    expect((await create(bob, model.toUpperCase())).status).toBe(200);
    expect((await read(alice, model)).status).not.toBe(200);
    expect((await read(bob, model.toUpperCase())).status).toBe(200);
  });

  test('grants follow a model, by whatever spelling it is renamed', async () => {
    const [model, renamed] = [unique('Before'), unique('After')];
    await create(alice, model);
    const spelled = isLoose ? model.toLowerCase() : model;
    const moved = await gateway.admin.post(`${MODELS}/rename`, { name: spelled, new_name: renamed });
    expect(moved.status, moved.text).toBe(200);
    expect((await read(alice, renamed)).status).toBe(200);
    await create(bob, model);
    expect((await read(alice, model)).status).not.toBe(200);
  });
});
