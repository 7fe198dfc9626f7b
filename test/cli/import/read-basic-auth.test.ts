import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { expect, test } from 'vitest';
import { readBasicAuth } from '../../../src/cli/import/read-basic-auth.ts';
import { temporaryDirectory } from '../../store/temporary.ts';

const CLASSIC = `
  create table alembic_version (version_num);
  create table users (id integer primary key, username, password_hash, is_admin);
  create table experiment_permissions (id integer primary key, experiment_id, user_id, permission);
  create table registered_model_permissions (id integer primary key, name, user_id, permission);
  insert into users values (7, 'alice', 'hash', null), (3, 'root', 'hash', 1), (9, null, null, 0);
  insert into experiment_permissions values (1, '5', 7, 'READ'), (2, '6', 7, null);
`;
/** What MLflow between 3.6 and the roles added. */
const BETWEEN = `${CLASSIC}
  drop table registered_model_permissions;
  create table registered_model_permissions (id integer primary key, workspace, name, user_id, permission);
  create table scorer_permissions (id integer primary key, experiment_id, scorer_name, user_id, permission);
  create table gateway_secret_permissions (id integer primary key, secret_id, user_id, permission);
  create table gateway_endpoint_permissions (id integer primary key, endpoint_id, user_id, permission);
  create table gateway_model_definition_permissions (id integer primary key, model_definition_id, user_id, permission);
  create table workspace_permissions (workspace, user_id, permission);
  insert into registered_model_permissions values (1, 'default', 'm', 7, 'EDIT'), (2, 'team', 'm', 7, 'MANAGE');
  insert into scorer_permissions values (1, '5', 'is it (good)?', 7, 'USE');
  insert into gateway_secret_permissions values (1, 's', 7, 'USE');
  insert into gateway_endpoint_permissions values (1, 'e', 7, 'READ');
  insert into gateway_model_definition_permissions values (1, 'd', 7, 'MANAGE');
  insert into workspace_permissions values ('default', 7, 'EDIT');
`;
const ROLES = `${CLASSIC}
  create table roles (id integer primary key, name, workspace, description);
  create table role_permissions (id integer primary key, role_id, resource_type, resource_pattern, permission);
  create table user_role_assignments (id integer primary key, user_id, role_id);
`;

function databaseOf(sql: string): string {
  const file = join(temporaryDirectory(), 'basic_auth.db');
  new Sqlite(file).exec(sql).close();
  return file;
}

test('users come in the order of their creation; without the flag nobody is an admin', () => {
  expect(readBasicAuth(databaseOf(CLASSIC)).users).toEqual([
    { id: 3, username: 'root', passwordHash: 'hash', isAdmin: true },
    { id: 7, username: 'alice', passwordHash: 'hash', isAdmin: false },
    { id: 9, username: null, passwordHash: null, isAdmin: false },
  ]);
});

test('before roles every table holds grants of users, and * is a name', () => {
  const { grants, roles, wildcards } = readBasicAuth(databaseOf(CLASSIC));
  expect({ roles, wildcards }).toEqual({ roles: [], wildcards: false });
  expect(grants).toEqual([
    { userId: 7, type: 'experiment', pattern: '5', permission: 'READ', workspace: 'default' },
    { userId: 7, type: 'experiment', pattern: '6', permission: '', workspace: 'default' },
  ]);
});

test('the tables that came between are read too, with scorers as MLflow names them in its roles', () => {
  const { grants, leftTables } = readBasicAuth(databaseOf(BETWEEN));
  expect(grants.slice(2).map(({ type, pattern, workspace }) => [type, pattern, workspace])).toEqual([
    ['registered_model', 'm', 'default'],
    ['registered_model', 'm', 'team'],
    ['scorer', '5/is%20it%20%28good%29%3F', 'default'],
    ['gateway_secret', 's', 'default'],
    ['gateway_endpoint', 'e', 'default'],
    ['gateway_model_definition', 'd', 'default'],
  ]);
  expect(leftTables).toMatchObject([{ table: 'workspace_permissions', rows: 1 }]);
});

test('with roles the older tables are stale', () => {
  const file = databaseOf(`${ROLES} insert into roles values (1, '__user_7__', 'default', null);
    insert into user_role_assignments values (1, 7, 1);
    insert into role_permissions values (1, 1, 'experiment', '8', 'EDIT');`);
  expect(readBasicAuth(file)).toMatchObject({
    wildcards: true,
    roles: [],
    grants: [{ userId: 7, type: 'experiment', pattern: '8', permission: 'EDIT' }],
  });
});

test.each([
  ['nobody holds', ''],
  ['others hold too', 'insert into user_role_assignments values (1, 7, 1), (2, 3, 1);'],
  ['another holds', 'insert into user_role_assignments values (2, 3, 1);'],
])("a role named after one user that %s is not that user's own", (_, members) => {
  const file = databaseOf(`${ROLES} insert into roles values (1, '__user_7__', 'default', null); ${members}
    insert into role_permissions values (1, 1, 'experiment', '8', 'MANAGE');`);
  expect(readBasicAuth(file)).toMatchObject({ grants: [], roles: [{ name: '__user_7__' }] });
});

test('a row that MLflow cannot have written is one sentence', () => {
  const file = databaseOf(`${CLASSIC} insert into users values (10, x'00ff', 'hash', 0);`);
  expect(() => readBasicAuth(file)).toThrow(/has a row that MLflow would not have written \(.*username\)/);
});
