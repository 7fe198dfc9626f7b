import type { Passwords } from '../../identity/password.ts';
import type { Store } from '../../store/index.ts';
import type { User } from '../../store/types.ts';
import type { BasicAuth } from './read-basic-auth.ts';
import { type Holder, takeGrants } from './take-grants.ts';
import { type NewPassword, takePasswords } from './take-passwords.ts';
import { takeRoles } from './take-roles.ts';
import { takeUsers } from './take-users.ts';
import { createTally, quoted, type Tally } from './tally.ts';

/** What an import did, and what it did not. */
export interface Takeover extends Tally {
  /** Admins who had a password that everyone knows, with the one they have now. */
  readonly newPasswords: readonly NewPassword[];
}

export interface TakeoverOptions {
  readonly store: Store;
  readonly passwords: Passwords;
  /** Makes up a password. */
  readonly generatePassword: () => string;
}

/**
 * Takes the users, grants and roles of a `basic_auth.db` into the store. What is there stays as it is: the password
 * of a user, the permission of a grant. Each step can be repeated, so that an import which was cut off, or a file
 * to which MLflow has added since, is simply imported again.
 *
 * @throws ApiError 503 if the store gives no answer.
 */
export async function takeOver(source: BasicAuth, options: TakeoverOptions): Promise<Takeover> {
  const { store } = options;
  const tally = createTally();
  const users = await takeUsers(source.users, store, tally);
  await takeOwnGrants(source, users, store, tally);
  await takeRoles(source, users, store, tally);
  // Last: a password opens the door, and everything that restricts its user is to be there by then.
  const newPasswords = await takePasswords(source.users, users, options, tally);

  for (const { table, rows, why } of source.leftTables) tally.left.push(`${table}, ${rows} rows: ${why}`);
  if (!(await store.users.list()).some(({ isAdmin }) => isAdmin)) {
    tally.warnings.push('Nobody in the store is an admin. Make one: mlflow-auth-gateway create-admin NAME');
  }
  return { ...tally, newPasswords };
}

async function takeOwnGrants(
  source: BasicAuth,
  users: ReadonlyMap<number, User>,
  store: Store,
  tally: Tally,
): Promise<void> {
  const names = new Map(source.users.map(({ id, username }) => [id, quoted(username ?? '')]));
  for (const [id, grants] of Map.groupBy(source.grants, ({ userId }) => userId)) {
    const user = users.get(id);
    const name = `user ${names.get(id) ?? `${id} of the file (deleted)`}`;
    if (user !== undefined) await takeGrants(grants, holderOf(user, name, store), source.wildcards, tally);
    else {
      for (const { type, pattern, permission } of grants)
        tally.leave(
          'permissions of users',
          `${permission} of ${name} on ${type} ${quoted(pattern)}: not taken`,
        );
    }
  }
}

function holderOf({ id }: User, name: string, store: Store): Holder {
  return {
    what: 'permissions of users',
    name,
    add: async ({ type, pattern, permission }) =>
      (await store.grants.create(id, type, pattern, permission))
        ? undefined
        : store.grants.get(id, type, pattern),
  };
}
