import { pbkdf2Sync } from 'node:crypto';
import Sqlite from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import type { BasicAuth } from '../../../src/cli/import/read-basic-auth.ts';
import { type Takeover, takeOver } from '../../../src/cli/import/take-over.ts';
import { createPasswords } from '../../../src/identity/password.ts';
import { open, temporaryUri } from '../../store/temporary.ts';

/** Werkzeug's hash of a default password, of the cheapest kind. */
const HASH = `pbkdf2:sha256:1$salt$${pbkdf2Sync('password', 'salt', 1, 32, 'sha256').toString('hex')}`;

const grant = (pattern: string, permission: string) => ({
  type: 'experiment',
  pattern,
  permission,
  workspace: 'default',
});

const SOURCE: BasicAuth = {
  users: [
    { id: 1, username: 'root', passwordHash: HASH, isAdmin: true },
    { id: 2, username: 'alice', passwordHash: HASH, isAdmin: false },
  ],
  grants: [
    { userId: 2, ...grant('1', 'DENY') },
    { userId: 5, ...grant('2', 'READ') },
  ],
  roles: [
    { name: 'r', workspace: 'default', description: null, grants: [grant('*', 'DENY')], members: [2, 5] },
    {
      name: '__user_9__',
      workspace: 'default',
      description: null,
      grants: [grant('1', 'READ')],
      members: [2],
    },
    { name: ' ', workspace: 'default', description: null, grants: [], members: [] },
  ],
  wildcards: true,
  leftTables: [],
};

/** Takes {@link SOURCE} over; `prepare` sees the store's own file first. */
async function takingOver(prepare: (raw: Sqlite.Database) => void = () => {}) {
  const uri = temporaryUri();
  const store = await open(uri);
  const raw = new Sqlite(uri.slice('sqlite:///'.length));
  prepare(raw);
  const passwords = createPasswords({ rounds: 4, minLength: 12 });
  onTestFinished(async () => {
    raw.close();
    await passwords.close();
  });
  const takeover = await takeOver(SOURCE, {
    store,
    passwords,
    generatePassword: () => 'a generated password',
    clock: Date.now,
  }).catch((error: unknown) => error);
  return {
    store,
    takeover: takeover as Takeover,
    count: (table: string) => raw.prepare(`select count(*) from ${table}`).pluck().get(),
  };
}

test('users keep the passwords they had', async () => {
  const { store } = await takingOver();
  expect((await store.users.get('alice'))?.passwordHash).toBe(HASH);
});

test.each([
  ['a user', "users when new.username = 'alice'"],
  ['a grant', "grants when new.resource_pattern = '1'"],
  ['a role', 'roles'],
  ['a member', 'role_members'],
  ['the announcement', 'changes'],
])('an import that fails at %s leaves nothing, and nobody half restricted', async (_, event) => {
  const { takeover, count } = await takingOver((raw) =>
    raw.exec(`create trigger full before insert on ${event} begin select raise(abort, 'disk full'); end`),
  );
  expect(takeover).toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
  expect(['users', 'grants', 'roles', 'role_members', 'changes'].map(count)).toEqual([0, 0, 0, 0, 0]);
});

test('of a known password only that of an admin is replaced', async () => {
  const { takeover } = await takingOver();
  expect(takeover.newPasswords).toEqual([{ username: 'root', password: 'a generated password' }]);
});

test('what hangs on a user who is gone, or on a name that is reserved, is left', async () => {
  const { store, takeover } = await takingOver();
  expect(takeover.left).toEqual([
    'READ of user 5 of the file (deleted) on experiment "2": not taken',
    'user 5 of the file in role "r": not taken',
    `role "__user_9__" with its grants and members: this name is MLflow's own for one user's grants`,
    'role " " with its grants and members: it has no name',
  ]);
  expect(takeover.counts).toMatchObject({
    roles: { taken: 1, left: 2 },
    'permissions of roles': { taken: 1, left: 1 },
    'members of roles': { taken: 1, left: 2 },
  });
  expect((await store.roles.list()).map(({ name }) => name)).toEqual(['r']);
});
