import { describe, expect, onTestFinished, test } from 'vitest';
import { TABLES } from '../../../src/store/copy.ts';
import { openDatabase } from '../../../src/store/database.ts';
import { auditSegments } from '../../../src/store/migrations/audit-segments.ts';
import { ENGINES } from '../engines.ts';

/** Makes the audit log what it was when each entry had a row. */
const BEFORE_SEGMENTS = [
  'drop table audit_terms',
  'drop table audit_segments',
  `create table audit (id text primary key, at bigint, request_id text, username text, credential_kind text,
    credential_id text, ip text, method text, path text, operation text, action text, allowed integer, enforced integer,
    because text, status integer, duration_ms integer, change text)`,
  'create table audit_resources (entry_id text, resource_type text, resource_id text, username text, action text, allowed integer)',
  `insert into audit values
    ('00000000-0001-7000-8000-000000000001', 1, 'r', 'alice', 'token', 't', '192.0.2.1', 'POST', '/p', 'o', 'delete', 0, 1,
      'b', 403, 3, null),
    ('00000000-0002-7000-8000-000000000002', 2, null, null, null, null, null, null, null, null, 'grant', 1, 1,
      'b', null, null, '{"before":null,"after":{}}')`,
  `insert into audit_resources values
    ('00000000-0001-7000-8000-000000000001', 'experiment', '7', 'alice', 'delete', 0),
    ('00000000-0001-7000-8000-000000000001', 'run', 'x', 'alice', 'delete', 0),
    ('00000000-0002-7000-8000-000000000002', 'experiment', '8', null, 'grant', 1)`,
];

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
      'access_requests',
      'audit_segments',
      'audit_terms',
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

  test('the audit log of a store from before the first release is taken over', async () => {
    const place = await schemaFromEmpty();
    for (const statement of BEFORE_SEGMENTS) {
      await run(place, statement);
    }
    const database = await openDatabase(place, { clock: Date.now });
    onTestFinished(() => database.close());
    await auditSegments(database.engine).up(database.writes);
    const store = await open(place);
    const [newer, older, ...others] = await store.audit.search({ resourceType: 'experiment' }, 10);
    expect(others).toEqual([]);
    expect(newer).toMatchObject({ username: null, credential: null, change: { before: null, after: {} } });
    expect(older).toEqual({
      ...{ id: '00000000-0001-7000-8000-000000000001', at: 1, requestId: 'r', username: 'alice' },
      ...{
        credential: { kind: 'token', id: 't' },
        ip: '192.0.2.1',
        method: 'POST',
        path: '/p',
        operation: 'o',
      },
      ...{ action: 'delete', allowed: false, enforced: true, because: 'b', status: 403, durationMs: 3 },
      resources: [
        { type: 'experiment', id: '7' },
        { type: 'run', id: 'x' },
      ],
      change: null,
    });
    expect(await tables(place)).not.toContain('audit');
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
