import type { Passwords } from '../../identity/password.ts';
import type { Store } from '../../store/index.ts';
import { NO_PASSWORD } from '../../store/types.ts';
import type { SourceUser } from './read-basic-auth.ts';

/** The formats that Werkzeug wrote for MLflow and that {@link Passwords.verify} reads. */
const READABLE_HASH = /^(?:scrypt|pbkdf2)(?::[a-z0-9:]+)?\$[^$]+\$[0-9a-f]+$/;

/** What a user who is missing is to sign in with. */
export interface ChosenPassword {
  readonly hash: string;
  /** The password, if it was made up. */
  readonly made?: string;
}

/** Whose passwords are taken: those of all users that are not in the store already. */
export interface ChooseOptions {
  readonly store: Store;
  readonly passwords: Passwords;
  readonly generatePassword: () => string;
}

/**
 * Chooses a password for each user, by the ids of the source: the one they had, but another for an admin whose
 * password everyone knows.
 */
export async function choosePasswords(
  sources: readonly SourceUser[],
  { store, passwords, generatePassword }: ChooseOptions,
): Promise<ReadonlyMap<number, ChosenPassword>> {
  const there = new Set((await store.users.list()).map(({ username }) => username));
  const chosen = new Map<number, ChosenPassword>();
  for (const { id, username, passwordHash, isAdmin } of sources) {
    const hash = READABLE_HASH.test(passwordHash ?? '') ? (passwordHash ?? '') : NO_PASSWORD;
    // Whether it is known takes as long as signing in does, and most often the answer is not needed.
    if (isAdmin && !there.has(username ?? '') && (await passwords.isKnown(hash))) {
      const made = generatePassword();
      chosen.set(id, { hash: await passwords.hash(made), made });
    } else {
      chosen.set(id, { hash });
    }
  }
  return chosen;
}
