import { type Changing, changingIn } from '../../audit/changing.ts';
import { recordUnattended } from '../../audit/unattended.ts';
import type { Passwords } from '../../identity/password.ts';
import type { Store } from '../../store/index.ts';
import type { User } from '../../store/types.ts';
import type { NewPassword } from '../show-once.ts';
import { choosePasswords } from './choose-passwords.ts';
import type { BasicAuth } from './read-basic-auth.ts';
import { type Holder, takeGrants } from './take-grants.ts';
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
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/**
 * Takes the users, grants and roles of a `basic_auth.db` into the store, all at once: nobody signs in before what
 * restricts them is there, and an import that fails leaves nothing. What is there stays as it is: the password of a
 * user, the permission of a grant. A file to which MLflow has added since is simply imported again.
 *
 * @throws ApiError 503 if the store gives no answer.
 */
export async function takeOver(source: BasicAuth, options: TakeoverOptions): Promise<Takeover> {
  const { store } = options;
  const tally = createTally();
  // Not within the transaction, which keeps everybody else from writing: a hash takes its time.
  const chosen = await choosePasswords(source.users, options);
  const record = recordUnattended({
    operation: 'mlflow-auth-gateway import',
    because: 'a command on the store',
    clock: options.clock,
  });
  const newPasswords = await store.atOnce(async (given) => {
    const parts = changingIn(given, record);
    const { users, made } = await takeUsers(source.users, chosen, parts.users, tally);
    await takeOwnGrants(source, users, parts, tally);
    await takeRoles(source, users, parts, tally);
    return made;
  });

  for (const { table, rows, why } of source.leftTables) {
    tally.left.push(`${table}, ${rows} rows: ${why}`);
  }
  if (!(await store.users.list()).some(({ isAdmin }) => isAdmin)) {
    tally.warnings.push('Nobody in the store is an admin. Make one: mlflow-auth-gateway create-admin NAME');
  }
  return { ...tally, newPasswords };
}

async function takeOwnGrants(
  source: BasicAuth,
  users: ReadonlyMap<number, User>,
  parts: Changing,
  tally: Tally,
): Promise<void> {
  const names = new Map(source.users.map(({ id, username }) => [id, quoted(username ?? '')]));
  for (const [id, grants] of Map.groupBy(source.grants, ({ userId }) => userId)) {
    const user = users.get(id);
    const name = `user ${names.get(id) ?? `${id} of the file (deleted)`}`;
    if (user !== undefined) {
      await takeGrants(grants, holderOf(user, name, parts), source.wildcards, tally);
    } else {
      for (const { type, pattern, permission } of grants) {
        tally.leave(
          'permissions of users',
          `${permission} of ${name} on ${type} ${quoted(pattern)}: not taken`,
        );
      }
    }
  }
}

function holderOf({ id }: User, name: string, { grants }: Changing): Holder {
  return {
    what: 'permissions of users',
    name,
    add: async ({ type, pattern, permission }) =>
      (await grants.create(id, type, pattern, permission)) ? undefined : grants.get(id, type, pattern),
  };
}
