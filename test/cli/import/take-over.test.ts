import { pbkdf2Sync } from 'node:crypto';
import Sqlite from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import type { BasicAuth } from '../../../src/cli/import/read-basic-auth.ts';
import { takeGrants } from '../../../src/cli/import/take-grants.ts';
import { takeOver } from '../../../src/cli/import/take-over.ts';
import { createTally } from '../../../src/cli/import/tally.ts';
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

/** Takes {@link SOURCE} over; answers also what was in the store when the first password was set. */
async function takingOver() {
  const uri = temporaryUri();
  const store = await open(uri);
  const raw = new Sqlite(uri.slice('sqlite:///'.length));
  const passwords = createPasswords({ rounds: 4, minLength: 12 });
  onTestFinished(async () => {
    raw.close();
    await passwords.close();
  });
  const count = (sql: string) => raw.prepare(sql).pluck().get();
  let atFirstPassword: unknown;
  const takeover = await takeOver(SOURCE, {
    store,
    passwords,
    generatePassword() {
      atFirstPassword = {
        passwords: count("select count(*) from users where password_hash <> '!'"),
        grants: count('select count(*) from grants'),
        members: count('select count(*) from role_members'),
      };
      return 'a generated password';
    },
  });
  return { store, takeover, atFirstPassword };
}

test('nobody can sign in before everything that restricts them is in the store', async () => {
  const { store, atFirstPassword } = await takingOver();
  expect(atFirstPassword).toEqual({ passwords: 0, grants: 2, members: 1 });
  expect((await store.users.get('alice'))?.passwordHash).toBe(HASH);
});

test('of a known password only that of an admin is replaced', async () => {
  const { takeover } = await takingOver();
  expect(takeover.newPasswords).toEqual([{ username: 'root', password: 'a generated password' }]);
});

test('what hangs on somebody who is gone, or on a name that is reserved, is left', async () => {
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

test('somebody who can sign in already is refused first and granted after', async () => {
  const added: string[] = [];
  await takeGrants(
    [grant('1', 'MANAGE'), grant('2', 'DENY'), grant('3', 'READ'), grant('4', 'NO_PERMISSIONS')],
    {
      what: 'permissions of users',
      name: 'user "alice"',
      add: async ({ permission }) => void added.push(permission),
    },
    false,
    createTally(),
  );
  expect(added).toEqual(['DENY', 'NO_PERMISSIONS', 'MANAGE', 'READ']);
});
