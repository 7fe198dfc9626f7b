import { describe, expect, test } from 'vitest';
import { copyRows } from '../../src/store/copy.ts';
import type { Store } from '../../src/store/index.ts';
import { entry } from './audit-entry.ts';
import { ENGINES } from './engines.ts';
import { addUser } from './temporary.ts';

const options = { clock: Date.now };

async function filled(store: Store) {
  const alice = await addUser(store, 'alice', true);
  const gone = await addUser(store, 'gone');
  await store.users.remove(gone.id);
  const role = await store.roles.create({ name: 'team', description: 'ü' });
  await store.roles.assign(alice.id, role.id);
  await store.roles.addPermission(role.id, 'experiment', '*', 'READ');
  await store.grants.create(alice.id, 'registered_model', 'ä b', 'MANAGE');
  await store.intents.open({ action: 'delete', kind: 'registered_model', name: 'x' }, alice.id, 17);
  const kept = { hash: 'hash', prefix: 'mlag_abcd', lifeMs: 1e12, createdBy: 'alice' };
  const ceiling = { access: 'read' } as const;
  await store.tokens.create({ ...kept, id: 'token', userId: alice.id, name: 'nightly', ceiling });
  await store.sessions.create({
    ...{ id: 'session', userId: alice.id, hash: 'hash', lifeMs: 1e9, idleMs: 1e9 },
    ...{ ip: '192.0.2.1', userAgent: 'a browser' },
  });
  await store.invitations.create({
    ...{ id: 'invitation', userId: alice.id, hash: 'hash', kind: 'password_reset' },
    ...{ lifeMs: 1e12, createdBy: 'admin' },
  });
  await store.owners.record('job', 'j', { userId: alice.id, experimentId: undefined });
  return { alice, gone };
}

const WAYS = ENGINES.flatMap((from) => ENGINES.map((to) => ({ from, to })));

describe.each(WAYS)('from $from.name to $to.name', ({ from, to }) => {
  test('everything is copied, and no id comes back', async () => {
    const [here, there] = [await from.uri(), await to.uri()];
    const source = await from.open(here);
    const { alice, gone } = await filled(source);
    const key = await source.pageTokenKey();
    const intents = await source.intents.list();
    const copied = await copyRows(here, there, options);
    expect(copied.get('users')).toBe(1);
    const target = await to.open(there);
    expect(await target.account('alice')).toEqual(await source.account('alice'));
    expect(await target.users.get('alice')).toEqual(alice);
    expect(await target.tokens.get('token')).toMatchObject({
      username: 'alice',
      ceiling: { access: 'read' },
    });
    expect(await target.invitations.byHash('hash')).toMatchObject({ id: 'invitation', username: 'alice' });
    expect(await target.pageTokenKey()).toEqual(key);
    expect((await target.intents.list()).map(({ id, name, seen }) => [id, name, seen])).toEqual(
      intents.map(({ id, name, seen }) => [id, name, seen]),
    );
    expect((await addUser(target, 'new')).id).toBeGreaterThan(gone.id);
    await expect(copyRows(here, there, options)).rejects.toThrow(/holds users already/);
  });

  test('an audit log of many pages is copied whole', async () => {
    const [here, there] = [await from.uri(), await to.uri()];
    const source = await from.open(here);
    await addUser(source, 'alice');
    const resources = ['1', '2', '3'].map((id) => ({ type: 'experiment', id }));
    // Each so long after the one before that they are kept apart.
    const entries = Array.from({ length: 450 }, (_, index) =>
      entry(index * 86_400_000, { resources, requestId: `r${index}` }),
    );
    await source.audit.add(entries);
    const copied = await copyRows(here, there, options);
    expect([copied.get('audit_segments'), copied.get('audit_terms')]).toEqual([450, 5_400]);
    const target = await to.open(there);
    expect(await target.audit.search({}, 500)).toEqual(await source.audit.search({}, 500));
  });

  test('a store that an older version still uses is copied as it is, and comes up to date where it is opened', async () => {
    const [here, there] = [await from.uri(), await to.uri()];
    const source = await from.open(here);
    await addUser(source, 'alice');
    await source.close();
    await from.run(
      here,
      "drop table access_requests; drop table former_grants; drop table experiments; drop table audit_terms; drop table audit_segments; drop table throttles; drop table tokens; drop table invitations; drop table provider_sessions; drop table used_sign_ins; drop table sessions; drop table identities; drop index roles_group; delete from kysely_migration where name >= '0010'",
    );
    for (const column of ['is_active', 'is_service', 'must_change_password', 'created_by']) {
      await from.run(here, `alter table users drop column ${column}`);
    }
    for (const [table, column] of [
      ['roles', 'issuer'],
      ['roles', 'group_name'],
      ['role_members', 'issuer'],
      ['role_members', 'until'],
    ]) {
      await from.run(here, `alter table ${table} drop column ${column}`);
    }
    await copyRows(here, there, options);
    expect(await to.tables(there)).toEqual(await from.tables(here));
    const target = await to.open(there);
    expect((await target.users.get('alice'))?.isActive).toBe(true);
    expect(await target.audit.search({}, 1)).toEqual([]);
  });
});

describe.each(ENGINES)('from $name', ({ uri, open, run }) => {
  test.each([
    ['an empty database', '', /is no store/],
    ["another program's", 'create table notes (text text)', /another program's/],
    ["MLflow's", 'create table alembic_version (version_num text)', /is MLflow's/],
  ])('%s is not taken for a store', async (_, tables, refusal) => {
    const place = await uri();
    await run(place, tables);
    await expect(copyRows(place, 'sqlite://', options)).rejects.toThrow(refusal);
  });

  test('a store that a newer version has used is left to that', async () => {
    const place = await uri();
    await (await open(place)).close();
    await run(place, "insert into kysely_migration values ('9999-future', '2099-01-01T00:00:00Z')");
    await expect(copyRows(place, 'sqlite://', options)).rejects.toThrow(/newer version/);
  });
});
