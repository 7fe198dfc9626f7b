/**
 * Workspaces are judged as MLflow's own auth app judges them: the same requests of the same users, sent to it and to the
 * gateway, are allowed and refused alike, but for what differs on purpose.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ADMIN, type Person, personAt, startGateway, type TestGateway } from '../support/gateway.ts';
import { NEWEST, type RunningMlflow, startMlflow } from '../support/mlflow.ts';
import { closedAtTheEnd } from '../support/use-gateway.ts';
import { assign, inWorkspace } from '../support/workspaces.ts';

const A2 = '/api/2.0/mlflow';
const A3 = '/api/3.0/mlflow';
const MODELS = `${A2}/registered-models`;

/** Users, by what they are in `team-a`; `other` administers `team-b`. */
const WHO = ['member', 'manager', 'reader', 'denied', 'other', 'nobody'] as const;
type Who = (typeof WHO)[number];

/** What is there on one side. */
interface Side {
  readonly admin: Person;
  readonly users: Readonly<Record<Who, Person>>;
  readonly ids: { readonly experiment: string; readonly run: string };
}

interface Asked {
  readonly name: string;
  /** `default` if left out; none is sent for `''`. */
  readonly workspace?: string;
  readonly method: string;
  readonly target: (side: Side) => string;
  readonly json?: (side: Side, who: Who) => unknown;
}

const REQUESTS: readonly Asked[] = [
  ...['team-a', 'team-b', 'default', ''].flatMap((workspace): Asked[] => [
    {
      name: 'get an experiment',
      workspace,
      method: 'GET',
      target: ({ ids }) => `${A2}/experiments/get?experiment_id=${ids.experiment}`,
    },
    {
      name: 'get a run',
      workspace,
      method: 'GET',
      target: ({ ids }) => `${A2}/runs/get?run_id=${ids.run}`,
    },
    {
      name: 'log a metric',
      workspace,
      method: 'POST',
      target: () => `${A2}/runs/log-metric`,
      json: ({ ids }) => ({ run_id: ids.run, key: 'm', value: 1, timestamp: 1 }),
    },
    { name: 'get the model', workspace, method: 'GET', target: () => `${MODELS}/get?name=model` },
    {
      name: 'describe the model',
      workspace,
      method: 'PATCH',
      target: () => `${MODELS}/update`,
      json: () => ({ name: 'model', description: 'd' }),
    },
    {
      name: 'make an experiment',
      workspace,
      method: 'POST',
      target: () => `${A2}/experiments/create`,
      json: (_side, who) => ({ name: `of ${who} in ${workspace}` }),
    },
    {
      name: 'make a model',
      workspace,
      method: 'POST',
      target: () => `${MODELS}/create`,
      json: (_side, who) => ({ name: `of ${who} in ${workspace}` }),
    },
    {
      name: 'grant READ on the experiment',
      workspace,
      method: 'POST',
      target: () => `${A3}/users/permissions/grant`,
      json: ({ ids }, who) => ({
        username: who,
        resource_type: 'experiment',
        resource_id: ids.experiment,
        permission: 'READ',
      }),
    },
  ]),
  ...['team-a', 'team-b'].flatMap((of): Asked[] => [
    { name: `get workspace ${of}`, method: 'GET', target: () => `${A3}/workspaces/${of}` },
    {
      name: `change workspace ${of}`,
      method: 'PATCH',
      target: () => `${A3}/workspaces/${of}`,
      json: () => ({ description: 'd' }),
    },
    { name: `list the roles of ${of}`, method: 'GET', target: () => `${A3}/roles/list?workspace=${of}` },
    {
      name: `make a role in ${of}`,
      method: 'POST',
      target: () => `${A3}/roles/create`,
      json: (_side, who) => ({ name: `of-${who}`, workspace: of }),
    },
  ]),
  {
    name: 'make a workspace',
    method: 'POST',
    target: () => `${A3}/workspaces`,
    json: () => ({ name: 'team-c' }),
  },
  { name: 'delete a workspace', method: 'DELETE', target: () => `${A3}/workspaces/team-b` },
];

/** What differs on purpose: who is allowed what by the gateway (true) that MLflow refuses, or the other way round (false). */
const ON_PURPOSE: Readonly<Record<string, boolean>> = {
  // MLflow lists these to a member, and says of its role `user` that it reads everything.
  'member: get an experiment in team-a': true,
  'member: get a run in team-a': true,
  'member: get the model in team-a': true,
  // Who may read one thing in a workspace finds the way to it.
  'reader: get workspace team-a': true,
  // What is granted on an id that is nothing's in the workspace opens nothing there.
  'other: grant READ on the experiment in team-b': true,
};

const isAllowed = (status: number): boolean => status < 300;

async function prepare(
  admin: Person,
  url: string,
  port: (username: string, password: string) => Person,
): Promise<Side> {
  const made = async (method: string, target: string, json: unknown, by = admin) => {
    const answer = await by.send(method, target, { json });
    if (answer.status >= 300) {
      throw new Error(`${method} ${target} at ${url}: ${answer.status} ${answer.text}`);
    }
    return answer.json;
  };
  const users = {} as Record<Who, Person>;
  for (const who of WHO) {
    const password = `${who} has a long password`;
    await made('POST', `${A2}/users/create`, { username: who, password });
    users[who] = port(who, password);
  }
  for (const name of ['team-a', 'team-b']) {
    await made('POST', `${A3}/workspaces`, { name });
  }
  const there = inWorkspace(admin, 'team-a');
  const { experiment_id: experiment } = await made('POST', `${A2}/experiments/create`, { name: 'e' }, there);
  const run = (await made('POST', `${A2}/runs/create`, { experiment_id: experiment, start_time: 1 }, there))
    .run.info.run_id;
  await made('POST', `${MODELS}/create`, { name: 'model' }, there);
  await made('POST', `${MODELS}/create`, { name: 'model' }, inWorkspace(admin, 'team-b'));
  await assign(admin, 'team-a', 'user', users.member);
  await assign(admin, 'team-a', 'admin', users.manager);
  await assign(admin, 'team-a', 'user', users.denied);
  await assign(admin, 'team-b', 'admin', users.other);
  const grant = (username: Who, type: string, id: string, permission: string) =>
    made(
      'POST',
      `${A3}/users/permissions/grant`,
      { username, resource_type: type, resource_id: id, permission },
      there,
    );
  await grant('reader', 'experiment', experiment, 'READ');
  await grant('reader', 'registered_model', 'model', 'READ');
  await grant('denied', 'experiment', experiment, 'DENY');
  await grant('denied', 'registered_model', 'model', 'DENY');
  return { admin, users, ids: { experiment, run } };
}

describe(`beside the auth app of MLflow ${NEWEST}`, () => {
  const closing = closedAtTheEnd();
  const sides = {} as Record<'mlflow' | 'gateway', Side>;

  beforeAll(async () => {
    const start = async (more: Partial<Parameters<typeof startMlflow>[0]>): Promise<RunningMlflow> => {
      const dir = mkdtempSync(join(tmpdir(), 'as-mlflow-'));
      closing({ close: async () => rmSync(dir, { recursive: true, force: true }) });
      const config = join(dir, 'basic_auth.ini');
      writeFileSync(
        config,
        `[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///${join(dir, 'auth.db')}\nadmin_username = ${ADMIN.username}\nadmin_password = ${ADMIN.password}\nauthorization_function = mlflow.server.auth:authenticate_request_basic_auth\ngrant_default_workspace_access = false\n`,
      );
      const { args = [] } = more;
      const mlflow = await startMlflow({
        version: NEWEST,
        dir,
        args: ['--enable-workspaces', ...args],
        env: { MLFLOW_AUTH_CONFIG_PATH: config, MLFLOW_FLASK_SERVER_SECRET_KEY: 'a key of a test' },
      });
      closing({ close: () => mlflow.stop() });
      return mlflow;
    };
    const [guarded, plain] = await Promise.all([start({ args: ['--app-name', 'basic-auth'] }), start({})]);
    const gateway: TestGateway = closing(await startGateway(plain.socketUri, { default_permission: 'READ' }));
    const at = (username: string, password: string) => personAt(guarded.uri, username, password);
    sides.mlflow = await prepare(at(ADMIN.username, ADMIN.password), guarded.uri, at);
    sides.gateway = await prepare(gateway.admin, gateway.url, gateway.as);
  }, 400_000);

  test.each(WHO)('%s may do the same', { timeout: 120_000 }, async (who) => {
    const differ: Record<string, boolean> = {};
    for (const { name, workspace, method, target, json } of REQUESTS) {
      const answers = await Promise.all(
        [sides.mlflow, sides.gateway].map((side) => {
          const person = workspace ? inWorkspace(side.users[who], workspace) : side.users[who];
          return person.send(method, target(side), json === undefined ? {} : { json: json(side, who) });
        }),
      );
      const [byMlflow = 500, byGateway = 500] = answers.map(({ status }) => status);
      expect(
        [byMlflow, byGateway].every((status) => status < 500),
        `${name}: ${byMlflow} ${byGateway}`,
      ).toBe(true);
      if (isAllowed(byMlflow) !== isAllowed(byGateway)) {
        differ[`${who}: ${name}${workspace === undefined ? '' : ` in ${workspace || 'no workspace'}`}`] =
          isAllowed(byGateway);
      }
    }
    const meant = Object.entries(ON_PURPOSE).filter(([name]) => name.startsWith(`${who}: `));
    expect(differ).toEqual(Object.fromEntries(meant));
  });
});
