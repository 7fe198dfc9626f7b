import Sqlite from 'better-sqlite3';
import { expect, test } from 'vitest';
import { open, temporaryUri } from '../temporary.ts';

async function schemaFromEmpty(): Promise<Sqlite.Database> {
  const uri = temporaryUri();
  await (await open(uri)).close();
  const raw = new Sqlite(uri.slice('sqlite:///'.length));
  raw.pragma('foreign_keys = ON');
  return raw;
}

test('from empty, the schema has these tables', async () => {
  const raw = await schemaFromEmpty();
  const tables = raw
    .prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name")
    .pluck()
    .all();
  expect(tables.filter((name) => !String(name).startsWith('kysely_'))).toEqual([
    'audit',
    'audit_resources',
    'changes',
    'grants',
    'intents',
    'keys',
    'owners',
    'role_members',
    'roles',
    'throttles',
    'users',
  ]);
});

test('a grant has exactly one holder', async () => {
  const raw = await schemaFromEmpty();
  raw.exec(
    `insert into users (id, username, username_key, password_hash, is_admin, created_at) values (1, 'a', 'a', 'h', 0, 0); insert into roles (id, name) values (1, 'r')`,
  );
  const grant = raw.prepare(
    "insert into grants (user_id, role_id, resource_type, resource_pattern, permission, created_at) values (?, ?, 't', 'p', 'READ', 0)",
  );
  expect(() => grant.run(1, 1)).toThrow(/CHECK/);
  expect(() => grant.run(null, null)).toThrow(/CHECK/);
  grant.run(1, null);
  grant.run(null, 1);
  expect(() => grant.run(1, null)).toThrow(/UNIQUE/);
  expect(() => grant.run(null, 1)).toThrow(/UNIQUE/);
});

test.each([
  ['select * from grants where user_id = 1'],
  ['select * from grants where role_id = 1'],
  ["select * from grants where resource_type in ('a', 'b') and resource_pattern = 'p'"],
  ['select * from role_members where user_id = 1'],
  ['select * from role_members where role_id = 1'],
  ['select * from owners where user_id = 1'],
])('an index serves %s', async (query) => {
  const raw = await schemaFromEmpty();
  const plan = raw.prepare<[], { detail: string }>(`explain query plan ${query}`).all();
  expect(plan[0]?.detail).toMatch(/USING (COVERING )?INDEX/);
});
