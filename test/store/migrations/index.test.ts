import { describe, expect, test } from 'vitest';
import { TABLES } from '../../../src/store/copy.ts';
import { ENGINES } from '../engines.ts';

describe.each(ENGINES)('on $name', ({ open, uri, run, tables, plan }) => {
  /** The URI of a database with the schema and nothing else. */
  async function schemaFromEmpty(): Promise<string> {
    const place = await uri();
    await (await open(place)).close();
    return place;
  }

  test('from empty, the schema has these tables', async () => {
    const found = await tables(await schemaFromEmpty());
    expect(found.filter((name) => !name.startsWith('kysely_'))).toEqual([
      'audit',
      'audit_resources',
      'changes',
      'experiments',
      'former_grants',
      'grants',
      'identities',
      'intents',
      'invitations',
      'keys',
      'owners',
      'provider_sessions',
      'role_members',
      'roles',
      'sessions',
      'throttles',
      'tokens',
      'used_sign_ins',
      'users',
    ]);
  });

  test('each of them is copied with a store, or left for a reason', async () => {
    const found = await tables(await schemaFromEmpty());
    expect(found.filter((name) => !name.startsWith('kysely_'))).toEqual(Object.keys(TABLES).toSorted());
  });

  test('a grant has exactly one holder', async () => {
    const place = await schemaFromEmpty();
    await run(
      place,
      `insert into users (id, username, username_key, password_hash, is_admin, created_at) values (1, 'a', 'a', 'h', 0, 0); insert into roles (id, name) values (1, 'r')`,
    );
    const grant = (userId: number | null, roleId: number | null) =>
      run(
        place,
        `insert into grants (user_id, role_id, resource_type, resource_pattern, permission, created_at) values (${userId}, ${roleId}, 't', 'p', 'READ', 0)`,
      );
    await expect(grant(1, 1)).rejects.toThrow(/CHECK/i);
    await expect(grant(null, null)).rejects.toThrow(/CHECK/i);
    await grant(1, null);
    await grant(null, 1);
    await expect(grant(1, null)).rejects.toThrow(/UNIQUE/i);
    await expect(grant(null, 1)).rejects.toThrow(/UNIQUE/i);
  });

  test.each([
    ['select * from grants where user_id = 1'],
    ['select * from grants where role_id = 1'],
    ["select * from grants where resource_type in ('a', 'b') and resource_pattern = 'p'"],
    ['select * from role_members where user_id = 1'],
    ['select * from role_members where role_id = 1'],
    ['select * from owners where user_id = 1'],
  ])('an index serves %s', async (query) => {
    expect(await plan(await schemaFromEmpty(), query)).toMatch(/USING (COVERING )?INDEX|Index Scan/);
  });
});
