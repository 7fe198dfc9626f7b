import type { Passwords } from '../../identity/password.ts';
import type { Store } from '../../store/index.ts';
import type { User } from '../../store/types.ts';
import type { SourceUser } from './read-basic-auth.ts';
import { NOT_YET } from './take-users.ts';
import type { Tally } from './tally.ts';

/** The formats that Werkzeug wrote for MLflow and that {@link Passwords.verify} reads. */
const READABLE_HASH = /^(?:scrypt|pbkdf2)(?::[a-z0-9:]+)?\$[^$]+\$[0-9a-f]+$/;

/** Credentials that were made up, to be shown once. */
export interface NewPassword {
  readonly username: string;
  readonly password: string;
}

/**
 * Lets in the users whose grants are all there, with the passwords they had; an admin whose password everyone
 * knows gets another.
 *
 * @returns the passwords that were made up.
 */
export async function takePasswords(
  sources: readonly SourceUser[],
  users: ReadonlyMap<number, User>,
  options: { readonly store: Store; readonly passwords: Passwords; readonly generatePassword: () => string },
  tally: Tally,
): Promise<NewPassword[]> {
  const { store, passwords, generatePassword } = options;
  const made: NewPassword[] = [];
  for (const { id, passwordHash } of sources) {
    const user = users.get(id);
    if (user?.passwordHash !== NOT_YET) continue;
    const hash = passwordHash ?? '';
    if (!READABLE_HASH.test(hash)) {
      tally.warnings.push(
        `${user.username} has no password that could be taken. Set one: mlflow-auth-client update-user-password ${user.username}`,
      );
    } else if (user.isAdmin && (await passwords.isKnown(hash))) {
      const password = generatePassword();
      if (await store.users.replacePasswordHash(user.id, NOT_YET, await passwords.hash(password)))
        made.push({ username: user.username, password });
    } else await store.users.replacePasswordHash(user.id, NOT_YET, hash);
  }
  return made;
}
