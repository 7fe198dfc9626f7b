import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApplyOptions, apply, exportAccess } from '../../src/cli/access.ts';
import type { Store } from '../../src/store/index.ts';
import { blocksOf, documentAt } from '../docs/blocks.ts';
import { addUser, open, temporaryUri } from '../store/temporary.ts';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { type Ran, ran } from './io.ts';

const EXPERIMENTS: Readonly<Record<string, string>> = { churn: '12', 'credit risk': '13' };
const dir = mkdtempSync(join(tmpdir(), 'access-'));
let upstream: FakeUpstream;

beforeAll(async () => {
  upstream = await startFakeUpstream((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://localhost');
    const name = searchParams.get('experiment_name');
    const id = searchParams.get('experiment_id');
    const found = Object.entries(EXPERIMENTS).find(([each, its]) => each === name || its === id);
    response.setHeader('content-type', 'application/json');
    if (found === undefined) {
      response.writeHead(404).end('{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"None."}');
    } else {
      const experiment = {
        experiment_id: found[1],
        name: found[0],
        creation_time: '1',
        last_update_time: '1',
      };
      response.end(JSON.stringify({ experiment }));
    }
  });
});
afterAll(async () => {
  await upstream.close();
  rmSync(dir, { recursive: true });
});

const ACCESS = `
users:
  alice:
  no: {admin: true}
  nightly: {service: true}
roles:
  analysts:
    description: May read
    members: [alice, nightly]
    grants:
      - {experiment: "*", permission: READ}
      - {workspace: "*", permission: USE}
grants:
  alice:
    - experiment: credit risk
      permission: EDIT
    - registered_model: churn
      permission: MANAGE
`;

async function fresh(): Promise<{ store: Store; databaseUri: string }> {
  const databaseUri = temporaryUri();
  const store = await open(databaseUri);
  await addUser(store, 'root', true);
  return { store, databaseUri };
}

function applied(databaseUri: string, source: string, options: ApplyOptions = {}): Promise<Ran> {
  const file = join(dir, 'access.yaml');
  writeFileSync(file, source);
  return ran((io) => apply(file, options, io), {
    databaseUri,
    env: { MLFLOW_AUTH_UPSTREAM_URI: upstream.uri },
  });
}

const exported = (databaseUri: string): Promise<Ran> =>
  ran((io) => exportAccess(io), { databaseUri, env: { MLFLOW_AUTH_UPSTREAM_URI: upstream.uri } });

test('a file is compared and done, then there is nothing left to do', async () => {
  const { store, databaseUri } = await fresh();
  const dry = await applied(databaseUri, ACCESS, { dryRun: true });
  const lines = [
    '+ user alice',
    '+ user no',
    '~ no becomes an admin',
    '+ service account nightly',
    '+ role analysts',
    '+ alice in role analysts',
    '+ nightly in role analysts',
    '+ READ on experiment * to role analysts',
    '+ USE on workspace * to role analysts',
    '+ EDIT on experiment credit risk (13) to alice',
    '+ MANAGE on registered_model churn to alice',
  ].join('\n');
  expect(dry).toEqual({ code: 0, stderr: '', stdout: `${lines}\nNothing was changed (--dry-run).\n` });
  expect((await store.users.list()).map(({ username }) => username)).toEqual(['root']);
  expect(await store.audit.search({}, 10)).toEqual([]);

  const { stdout } = await applied(databaseUri, ACCESS);
  expect(stdout).toContain(`${lines}\n11 changes were made.\n`);
  expect((await store.account('alice'))?.grants).toMatchObject([
    { resourceType: 'experiment', resourcePattern: '13', permission: 'EDIT', via: 'user' },
    { resourceType: 'registered_model', resourcePattern: 'churn', permission: 'MANAGE' },
    { resourceType: 'experiment', resourcePattern: '*', permission: 'READ', via: { role: 'analysts' } },
    { resourceType: 'workspace', resourcePattern: '*', permission: 'USE' },
  ]);
  expect(await store.users.get('no')).toMatchObject({ isAdmin: true });
  expect((await applied(databaseUri, ACCESS)).stdout).toBe('Everything is as the file says.\n');

  const entries = await store.audit.search({}, 100);
  expect(entries.map(({ action }) => action).reverse()).toEqual([
    ...[
      'create_user',
      'create_user',
      'set_admin',
      'create_user',
      'create_role',
      'assign_role',
      'assign_role',
    ],
    ...['grant', 'grant', 'grant', 'grant'],
  ]);
  expect(entries.every(({ operation }) => operation === 'mlflow-auth-gateway apply')).toBe(true);
});

test('what is exported makes the same of another store, and holds no password', async () => {
  const [one, other] = [await fresh(), await fresh()];
  await applied(one.databaseUri, ACCESS);
  const alice = await one.store.users.get('alice');
  await one.store.grants.create(alice?.id ?? 0, 'experiment', '999', 'NO_PERMISSIONS');
  const { stdout, code } = await exported(one.databaseUri);
  expect(code).toBe(0);
  expect(stdout).not.toMatch(/password|\$2b/);
  expect(stdout).toContain('experiment: credit risk');
  expect(stdout).toContain('experiment_id: "999"');
  expect((await applied(other.databaseUri, stdout)).code).toBe(0);
  expect((await exported(other.databaseUri)).stdout).toBe(stdout);
});

test('what differs is changed, and with --prune what the file does not name goes', async () => {
  const { store, databaseUri } = await fresh();
  await applied(databaseUri, ACCESS);
  const less = `
users: {bob: }
roles:
  analysts: {members: [alice], grants: [{experiment: churn, permission: EDIT}, {experiment: "*", permission: USE}]}
grants:
  alice: [{experiment: credit risk, permission: READ}]
`;
  const kept = await applied(databaseUri, less);
  expect(kept.stdout.split('\n').slice(0, -3)).toEqual([
    '+ user bob',
    '+ EDIT on experiment churn (12) to role analysts',
    '~ READ to USE on experiment * to role analysts',
    '~ EDIT to READ on experiment credit risk (13) to alice',
  ]);
  const pruned = await applied(databaseUri, less, { prune: true });
  expect(pruned.stdout.split('\n').slice(0, -2)).toEqual([
    '- nightly in role analysts',
    '- USE on workspace * to role analysts',
    '- MANAGE on registered_model churn to alice',
  ]);
  // Nobody is deleted by a file.
  expect((await store.users.list()).map(({ username }) => username)).toEqual([
    'root',
    'alice',
    'no',
    'nightly',
    'bob',
  ]);
  const none = await applied(databaseUri, 'roles: {other: }', { prune: true });
  expect(none.stdout).toContain('- role analysts');
  expect(await store.grants.forUser((await store.users.get('alice'))?.id ?? 0)).toHaveLength(1);
});

test.each([
  [
    'every problem of its form',
    'users: {a: {admin: maybe, x: 1}}\ngroups: {}\ngrants: {a: [{experiment: 1, permission: OWN}, {permission: READ}]}',
    [
      'users.a.admin: write true or false',
      'Unrecognized key',
      "grants.a.0: Invalid permission 'OWN'",
      'grants.a.1: name one thing',
    ],
  ],
  ['no YAML', 'users: [', ['- ']],
  ['a name twice', 'users: {a: , a: }', ['- ']],
  ['aliases', 'users: {a: &x {admin: "true"}, b: *x}', ['aliases']],
  [
    'every experiment that is not there',
    'grants: {root: [{experiment: a, permission: READ}, {experiment: b, permission: READ}]}',
    ['there is no experiment "a"', 'there is no experiment "b"'],
  ],
  [
    'everybody who is not there',
    'roles: {r: {members: [x, y]}}\ngrants: {z: []}',
    ['no user x', 'no user y', 'no user z'],
  ],
  [
    'a thing twice',
    'grants: {root: [{experiment: churn, permission: READ}, {experiment_id: "12", permission: EDIT}]}',
    ['twice'],
  ],
  [
    'a single user on the workspace',
    'users: {a: }\ngrants: {a: [{workspace: "*", permission: MANAGE}]}',
    ['cannot be granted'],
  ],
  ['the last admin', 'users: {root: {admin: "false"}}', ['admin']],
])('nothing is done, and it is told: %s', async (_, source, problems) => {
  const { store, databaseUri } = await fresh();
  const { code, stdout, stderr } = await applied(databaseUri, source);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  for (const problem of problems) {
    expect(stderr).toContain(problem);
  }
  expect(await store.users.list()).toHaveLength(1);
  expect(await store.audit.search({}, 10)).toEqual([]);
});

test('the file of docs/audit.md can be applied', async () => {
  const [example = ''] = blocksOf(documentAt('docs/audit.md'), 'yaml');
  const { databaseUri } = await fresh();
  expect(await applied(databaseUri, example)).toMatchObject({ code: 0, stderr: '' });
});
