import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { importBasicAuth } from '../../src/cli/import.ts';
import { addUser, open, temporaryDirectory, temporaryUri } from '../store/temporary.ts';
import type { TestGateway } from '../support/gateway.ts';
import { NEWEST, OLDEST, runPython } from '../support/mlflow.ts';
import { NO_UPSTREAM, openGateway } from '../support/use-gateway.ts';
import { type Ran, ran } from './io.ts';

const CURRENT = '/api/2.0/mlflow/users/current';

const OPEN_STORE = `
import os
from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore
store = SqlAlchemyStore()
store.init_db("sqlite:///" + os.environ["FILE"])
`;
const WRITE_2_15 = `${OPEN_STORE}
store.create_user("admin", "password", is_admin=True)
store.create_user("alice", "short")
store.create_user("boss", "boss has a password", is_admin=True)
store.create_user("Alice", "another person's")
store.create_user("a:b", "colon")
store.create_experiment_permission("1", "alice", "EDIT")
store.create_experiment_permission("2", "alice", "NO_PERMISSIONS")
store.create_experiment_permission("01", "alice", "READ")
store.create_experiment_permission("1", "Alice", "MANAGE")
store.create_registered_model_permission("churn / 2", "alice", "MANAGE")
store.create_registered_model_permission("*", "alice", "MANAGE")
`;
const WRITE_3_17 = `${OPEN_STORE}
store.create_user("root", "a password of root", is_admin=True)
store.create_user("carol", "a password of carol")
store.create_user("dave", "a password of dave")
store.grant_user_resource_permission("carol", "experiment", "1", "EDIT")
store.grant_user_resource_permission("carol", "experiment", "9", "DENY")
store.grant_user_resource_permission("carol", "prompt", "greeting", "READ")
store.grant_user_resource_permission("carol", "scorer", store._scorer_pattern("1", "a scorer"), "USE")
role = store.create_role("data science", "default", "those with data")
store.add_role_permission(role.id, "experiment", "*", "READ")
store.add_role_permission(role.id, "run", "*", "DENY")
store.assign_role_to_user(store.get_user("carol").id, role.id)
store.assign_role_to_user(store.get_user("dave").id, role.id)
role = store.create_role("elsewhere", "another")
store.add_role_permission(role.id, "experiment", "*", "READ")
store.assign_role_to_user(store.get_user("dave").id, role.id)
`;
/** MLflow 3.17 on a database of 2.15: it copies grants into roles, and writes nowhere else from then on. */
const UPGRADE = `${OPEN_STORE}
store.update_experiment_permission("1", "alice", "READ")
store.delete_registered_model_permission("churn / 2", "alice")
`;

let directory: string;
const file = (name: string) => join(directory, name);

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'basic-auth-'));
  await runPython(OLDEST, WRITE_2_15, { FILE: file('2.15.db') });
  await runPython(NEWEST, WRITE_3_17, { FILE: file('3.17.db') });
  copyFileSync(file('2.15.db'), file('upgraded.db'));
  await runPython(NEWEST, UPGRADE, { FILE: file('upgraded.db') });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function importing(source: string, databaseUri: string, dryRun = false): Promise<Ran> {
  return ran((io) => importBasicAuth(source, { dryRun }, io), { databaseUri });
}

async function gatewayOn(databaseUri: string): Promise<TestGateway> {
  const { gateway } = await openGateway({ upstream: NO_UPSTREAM, settings: { database_uri: databaseUri } });
  return gateway;
}

/** What a user's grants are, without where they come from. */
async function grantsOf(databaseUri: string, username: string): Promise<string[]> {
  const account = await (await open(databaseUri)).account(username);
  return (account?.grants ?? [])
    .map(({ resourceType, resourcePattern, permission, via }) =>
      [permission, resourceType, resourcePattern, ...(via === 'user' ? [] : [via.role])].join(' '),
    )
    .sort();
}

/** Every row of a store but those of the change feed. */
function contentOf(databaseUri: string): unknown {
  const raw = new Sqlite(databaseUri.slice('sqlite:///'.length), { readonly: true });
  try {
    return ['users', 'grants', 'roles', 'role_members'].map((table) =>
      raw.prepare(`select * from ${table} order by id`).all(),
    );
  } finally {
    raw.close();
  }
}

describe('of a database that the real MLflow 2.15.1 wrote', () => {
  test('users sign in with their old passwords, which are hashed anew', async () => {
    const uri = temporaryUri();
    expect(await importing(file('2.15.db'), uri)).toMatchObject({ code: 0, stderr: '' });
    const store = await open(uri);
    expect((await store.users.get('alice'))?.passwordHash).toMatch(/^scrypt:/);
    const gateway = await gatewayOn(uri);

    const alice = await gateway.as('alice', 'short').get(CURRENT);
    expect(alice).toMatchObject({ status: 200, json: { user: { username: 'alice', is_admin: false } } });
    expect((await gateway.as('alice', 'wrong').get(CURRENT)).status).toBe(401);
    const boss = await gateway.as('boss', 'boss has a password').get(CURRENT);
    expect(boss.json).toMatchObject({ user: { is_admin: true } });
    expect((await store.users.get('alice'))?.passwordHash).toMatch(/^\$2b\$/);
    expect((await gateway.as('alice', 'short').get(CURRENT)).status).toBe(200);
  });

  test("permissions are taken, but none on what MLflow's own ids cannot name", async () => {
    const uri = temporaryUri();
    const { stdout } = await importing(file('2.15.db'), uri);
    expect(await grantsOf(uri, 'alice')).toEqual([
      'EDIT experiment 1',
      'MANAGE registered_model churn / 2',
      'NO_PERMISSIONS experiment 2',
    ]);
    expect(stdout).toContain('READ of user "alice" on experiment "01"');
    expect(stdout).toContain('MANAGE of user "alice" on registered_model "*"');
  });

  test('of two names that differ in case alone the first is taken, without the grants of the other', async () => {
    const uri = temporaryUri();
    const { stdout } = await importing(file('2.15.db'), uri);
    const users = await (await open(uri)).users.list();
    expect(users.map(({ username }) => username)).toEqual(['admin', 'alice', 'boss']);
    expect(stdout).toContain('user "Alice": another user has this name in another spelling');
    expect(stdout).toContain('MANAGE of user "Alice" on experiment "1": not taken');
    expect(stdout).toContain('user "a:b": Username cannot have colons');
  });

  test('an admin with the default password gets a new one, which is shown once', async () => {
    const uri = temporaryUri();
    const { stdout } = await importing(file('2.15.db'), uri);
    const password = /user {6}admin\n {2}password {2}(\S{24})\n/.exec(stdout)?.[1] ?? '';
    const gateway = await gatewayOn(uri);
    expect((await gateway.as('admin', 'password').get(CURRENT)).status).toBe(401);
    const admin = await gateway.as('admin', password).get(CURRENT);
    expect(admin.json).toMatchObject({ user: { username: 'admin', is_admin: true } });
    expect((await importing(file('2.15.db'), uri)).stdout).not.toContain('password');
  });
});

describe('of a database that the real MLflow 3.17.2 wrote', () => {
  test('roles come with grants and members, and the role of one user becomes its own grants', async () => {
    const uri = temporaryUri();
    const { stdout } = await importing(file('3.17.db'), uri);
    expect(await grantsOf(uri, 'carol')).toEqual([
      'DENY experiment 9',
      'DENY run * data science',
      'EDIT experiment 1',
      'READ experiment * data science',
      'READ prompt greeting',
      'USE scorer 1/a%20scorer',
    ]);
    expect(await grantsOf(uri, 'dave')).toEqual([
      'DENY run * data science',
      'READ experiment * data science',
    ]);
    const roles = await (await open(uri)).roles.list();
    expect(roles).toMatchObject([
      { name: 'data science', workspace: 'default', description: 'those with data' },
    ]);
    expect(stdout).toContain('role "elsewhere" with its grants and members: workspace another');
  });

  test('users sign in with their old passwords', async () => {
    const uri = temporaryUri();
    await importing(file('3.17.db'), uri);
    const gateway = await gatewayOn(uri);
    for (const name of ['root', 'carol', 'dave']) {
      const answer = await gateway.as(name, `a password of ${name}`).get(CURRENT);
      expect(answer.json).toMatchObject({ user: { username: name, is_admin: name === 'root' } });
    }
  });

  test('what an upgraded database still has in its old tables is stale and left alone', async () => {
    const uri = temporaryUri();
    await importing(file('upgraded.db'), uri);
    expect(await grantsOf(uri, 'alice')).not.toContain('EDIT experiment 1');
    expect(await grantsOf(uri, 'alice')).not.toContain('MANAGE registered_model churn / 2');
    expect(await grantsOf(uri, 'alice')).toContain('READ experiment 1');
    const gateway = await gatewayOn(uri);
    expect((await gateway.as('alice', 'short').get(CURRENT)).status).toBe(200);
  });
});

describe('importing again', () => {
  test.each(['2.15.db', '3.17.db'])('changes nothing (%s)', async (name) => {
    const uri = temporaryUri();
    await importing(file(name), uri);
    const before = contentOf(uri);
    const { code, stdout } = await importing(file(name), uri);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^users +0 +3 /m);
    expect(contentOf(uri)).toEqual(before);
  });

  test('adds what is new, and leaves passwords and grants as they have become', async () => {
    const uri = temporaryUri();
    const store = await open(uri);
    const alice = await addUser(store, 'alice');
    await store.grants.create(alice.id, 'experiment', '1', 'READ');
    const { stdout } = await importing(file('2.15.db'), uri);
    expect(await store.users.get('alice')).toEqual(alice);
    expect(await grantsOf(uri, 'alice')).toEqual([
      'MANAGE registered_model churn / 2',
      'NO_PERMISSIONS experiment 2',
      'READ experiment 1',
    ]);
    expect(stdout).toContain('EDIT of user "alice" on experiment "1": READ is there and was not changed');
  });

  test('makes nobody an admin who was there', async () => {
    const uri = temporaryUri();
    const store = await open(uri);
    await addUser(store, 'boss');
    const { stdout } = await importing(file('2.15.db'), uri);
    expect(await store.users.get('boss')).toMatchObject({ isAdmin: false });
    expect(stdout).toContain('boss was there and is no admin');
  });
});

describe('a dry run', () => {
  test('makes no store and shows no password', async () => {
    const target = temporaryDirectory();
    const { code, stdout } = await importing(
      file('2.15.db'),
      `sqlite:///${join(target, 'gateway.db')}`,
      true,
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^users +3 +0 +2$/m);
    expect(stdout).toContain('admin has a default password that everyone knows, and will get a new one');
    expect(stdout).not.toMatch(/^ +password /m);
    expect(readdirSync(target)).toEqual([]);
  });

  test('says of a store what an import would do, and leaves it as it was', async () => {
    const uri = temporaryUri();
    const store = await open(uri);
    await addUser(store, 'alice');
    const before = contentOf(uri);
    const dry = await importing(file('2.15.db'), uri, true);
    expect(dry.stdout).toMatch(/^users +2 +1 +2$/m);
    expect(contentOf(uri)).toEqual(before);
    const real = await importing(file('2.15.db'), uri);
    expect(real.stdout).toMatch(/^users +2 +1 +2$/m);
  });
});

describe('the file', () => {
  test('may be in use, even in the middle of a write', async () => {
    const copy = join(temporaryDirectory(), 'used.db');
    copyFileSync(file('2.15.db'), copy);
    const mlflow = new Sqlite(copy);
    onTestFinished(() => void mlflow.close());
    mlflow.exec("begin immediate; update users set is_admin = 1 where username = 'alice'");
    const uri = temporaryUri();
    expect(await importing(copy, uri)).toMatchObject({ code: 0, stderr: '' });
    expect(await (await open(uri)).users.get('alice')).toMatchObject({ isAdmin: false });
  });

  test('stays as it is', async () => {
    const before = readFileSync(file('2.15.db'));
    await importing(file('2.15.db'), temporaryUri());
    expect(readFileSync(file('2.15.db')).equals(before)).toBe(true);
  });

  test('may not be what database_uri names as well, and is not touched then', async () => {
    const copy = join(temporaryDirectory(), 'basic_auth.db');
    copyFileSync(file('2.15.db'), copy);
    const { code, stderr } = await importing(copy, `sqlite:///${copy}`);
    expect(code).toBe(1);
    expect(stderr).toContain('is also what database_uri names');
    expect(readFileSync(copy).equals(readFileSync(file('2.15.db')))).toBe(true);
  });

  test.each([
    ['is missing', () => undefined, 'cannot be opened'],
    [
      'is no database',
      (path: string) => writeFileSync(path, 'not a database, '.repeat(64)),
      'cannot be read',
    ],
    [
      'belongs to another program',
      (path: string) => new Sqlite(path).exec('create table users (id)').close(),
      'is not a basic_auth.db of MLflow',
    ],
  ] as const)('that %s is one sentence, and no store is made', async (_, make, sentence) => {
    const target = temporaryDirectory();
    const source = join(target, 'source.db');
    make(source);
    const store = join(target, 'gateway.db');
    const { code, stdout, stderr } = await importing(source, `sqlite:///${store}`);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(existsSync(store)).toBe(false);
  });

  test('that is a store of this gateway is told from one of MLflow', async () => {
    const uri = temporaryUri();
    await open(uri);
    const { code, stderr } = await importing(uri.slice('sqlite:///'.length), temporaryUri());
    expect(code).toBe(1);
    expect(stderr).toContain('is a store of this gateway already');
  });
});

test('a running gateway lets the users in on the next request', async () => {
  const uri = temporaryUri();
  const gateway = await gatewayOn(uri);
  expect((await gateway.as('carol', 'a password of carol').get(CURRENT)).status).toBe(401);
  await importing(file('3.17.db'), uri);
  expect((await gateway.as('carol', 'a password of carol').get(CURRENT)).status).toBe(200);
});

test('says so when nobody in the store is an admin', async () => {
  const copy = join(temporaryDirectory(), 'plain.db');
  copyFileSync(file('2.15.db'), copy);
  new Sqlite(copy).exec('update users set is_admin = null').close();
  const { stdout } = await importing(copy, temporaryUri());
  expect(stdout).toContain('mlflow-auth-gateway create-admin NAME');
});

test('a user without a readable hash is taken, and told of', async () => {
  const copy = join(temporaryDirectory(), 'odd.db');
  copyFileSync(file('2.15.db'), copy);
  new Sqlite(copy).exec("update users set password_hash = 'plain:text' where username = 'alice'").close();
  const uri = temporaryUri();
  const { stdout } = await importing(copy, uri);
  expect(stdout).toContain('alice has no password that could be taken');
  expect(await (await open(uri)).users.get('alice')).toBeDefined();
});
