/**
 * What is denied stays denied by whatever spelling MLflow's database takes for a name, what is granted counts, and grants leave
 * with the thing they are on. SQLite and PostgreSQL compare names exactly, MariaDB without regard to case, accents and trailing blanks.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { createExperiment, grantOn, type Person, unique } from '../support/gateway.ts';
import { isMariadbMissing, startMariadb } from '../support/mariadb.ts';
import { NEWEST, startMlflow } from '../support/mlflow.ts';
import { sharedPostgresql } from '../support/shared-postgresql.ts';
import { closedAtTheEnd, useGateway } from '../support/use-gateway.ts';

const A2 = '/api/2.0/mlflow';
const A3 = '/api/3.0/mlflow';
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

  describe.each([
    {
      kind: 'an MCP server',
      type: 'mcp_server',
      newName: () => `io.github.Test/${unique('Denied')}`,
      idOf: (_experiment: string, name: string) => name,
      make: (by: Person, _experiment: string, name: string) => by.post(`${A3}/mcp-servers`, { name }),
      read: (by: Person, _experiment: string, name: string) => by.get(`${A3}/mcp-servers/${inPath(name)}`),
      change: (by: Person, _experiment: string, name: string) =>
        by.post(`${A3}/mcp-servers/${inPath(name)}/tags`, { key: 'k', value: 'v' }),
      remove: (by: Person, _experiment: string, name: string) =>
        by.delete(`${A3}/mcp-servers/${inPath(name)}`),
    },
    {
      kind: 'a scorer',
      type: 'scorer',
      newName: () => unique('Denied'),
      idOf: (experiment: string, name: string) => `${experiment}/${name}`,
      make: (by: Person, experiment: string, name: string) =>
        by.post(`${A3}/scorers/register`, {
          experiment_id: experiment,
          name,
          serialized_scorer: JSON.stringify({
            name,
            builtin_scorer_class: 'Safety',
            builtin_scorer_pydantic_data: {},
          }),
        }),
      read: (by: Person, experiment: string, name: string) =>
        by.get(`${A3}/scorers/get?experiment_id=${experiment}&name=${encodeURIComponent(name)}`),
      change: (by: Person, experiment: string, name: string) =>
        by.delete(`${A3}/scorers/delete`, { experiment_id: experiment, name, version: 1 }),
      remove: (by: Person, experiment: string, name: string) =>
        by.delete(`${A3}/scorers/delete`, { experiment_id: experiment, name }),
    },
  ])('$kind', ({ type, newName, idOf, make, read: readOne, change, remove }) => {
    test('that is denied to a user who may manage all others stays denied, by whatever spelling', async () => {
      const experiment = await createExperiment(alice);
      const name = newName();
      const made = await make(alice, experiment, name);
      expect(made.status, made.text).toBe(200);
      const chief = await gateway.person('chief');
      await grantOn(gateway.admin, chief, 'experiment', experiment, 'MANAGE');
      await grantOn(gateway.admin, chief, type, '*', 'MANAGE');
      await grantOn(gateway.admin, chief, type, idOf(experiment, name), 'DENY');
      for (const each of [name, ...spellings(name)]) {
        for (const attempt of [readOne, change, remove]) {
          expect((await attempt(chief, experiment, each)).status, each).not.toBe(200);
        }
      }
      expect((await readOne(gateway.admin, experiment, name)).status).toBe(200);
    });

    test('leaves its grants with it, by whatever spelling it is deleted', async () => {
      const experiment = await createExperiment(alice);
      await grantOn(alice, bob, 'experiment', experiment, 'READ');
      const name = newName();
      expect((await make(alice, experiment, name)).status).toBe(200);
      await grantOn(alice, bob, type, idOf(experiment, name), 'MANAGE');
      // MLflow takes the name of a scorer that is to be deleted as it is written.
      const spelled = isLoose && type !== 'scorer' ? name.toLowerCase() : name;
      const removed = await remove(gateway.admin, experiment, spelled);
      expect(removed.status, removed.text).toBe(200);
      expect((await make(alice, experiment, name)).status).toBe(200);
      expect((await change(bob, experiment, name)).status).toBe(403);
    });
  });

  test('a grant counts by whatever spelling the database takes for the name', async () => {
    const model = unique('Granted');
    await create(alice, model);
    await grantOn(alice, bob, 'registered_model', model, 'READ');
    expect((await read(bob, model)).status).toBe(200);
    for (const each of spellings(model)) {
      const found = await read(gateway.admin, each);
      expect(found.status, each).toBe(isLoose ? 200 : 404);
      const { status, json } = await read(bob, each);
      expect(status === 200, each).toBe(isLoose);
      expect(json.registered_model?.name, each).toBe(isLoose ? model : undefined);
      const tag = { name: each, key: 'k', value: 'v' };
      expect((await bob.post(`${MODELS}/set-tag`, tag)).status, each).not.toBe(200);
    }
    // Two that are told apart by spelling alone are two.
    if (!isLoose) {
      const hers = model.toUpperCase();
      await create(alice, hers);
      expect((await read(bob, hers)).status).toBe(403);
    }
  });
});

/** A name of two parts as the path of an address has it. */
const inPath = (name: string) => name.split('/').map(encodeURIComponent).join('/');
