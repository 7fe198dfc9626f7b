import { checkUsername, makeAdmin } from '../admin/deeds/users.ts';
import { changingBy } from '../audit/changing.ts';
import { recordUnattended } from '../audit/unattended.ts';
import { describeDatabaseUri } from '../config/database-uri.ts';
import { generatePassword } from '../identity/generate-password.ts';
import { createPasswords, type Passwords } from '../identity/password.ts';
import { openStore } from '../store/index.ts';
import type { Io } from './io.ts';
import { printable } from './printable.ts';
import { requireStore } from './require-store.ts';
import { runCommand } from './run-command.ts';
import { openSecrets } from './secrets.ts';
import { showOnce } from './show-once.ts';

/** What its entries in the audit log say. */
const RECORDED = {
  operation: 'mlflow-auth-gateway create-admin',
  because: 'a command on the store',
} as const;

export interface CreateAdminOptions {
  /** Make up a password and print it once, rather than ask for one. */
  readonly generate?: boolean;
  /** Leave the password of a user who is there as it is. */
  readonly keepPassword?: boolean;
}

/**
 * `mlflow-auth-gateway create-admin NAME`: for when nobody can sign in. Works on the store itself; an account that can
 * write that file is trusted. A user who is there becomes an admin with a new password. A running gateway sees it on
 * the next request.
 *
 * @returns the exit code.
 */
export function createAdmin(username: string, options: CreateAdminOptions, io: Io): Promise<number> {
  return runCommand(io, async ({ config }) => {
    checkUsername(username);
    await requireStore(config.database_uri);
    const passwords = createPasswords({
      rounds: config.password_rounds,
      minLength: config.min_password_length,
    });
    const store = await openStore(config.database_uri, { clock: io.clock });
    try {
      const password =
        options.keepPassword === true ? undefined : await choosePassword(username, options, passwords, io);
      const passwordHash = password && (await passwords.hash(password));
      const { users } = changingBy(store, recordUnattended({ ...RECORDED, clock: io.clock }));
      const done = await makeAdmin(users, passwords, username, passwordHash);
      if (done === 'missing') {
        throw new Error('There is no such user whose password could be kept. Leave out --keep-password.');
      }
      const name = printable(username);
      io.stdout.write(
        done === 'added'
          ? `Created the admin ${name} in ${describeDatabaseUri(config.database_uri)}.\n`
          : `${name} was there in ${describeDatabaseUri(config.database_uri)} and is an admin now${password === undefined ? '' : ', with a new password'}.\n`,
      );
      if (options.generate === true && password !== undefined) {
        io.stdout.write(`${showOnce({ username, password })}\n`);
      }
      return 0;
    } finally {
      await store.close();
      await passwords.close();
    }
  });
}

async function choosePassword(
  username: string,
  { generate }: CreateAdminOptions,
  passwords: Passwords,
  io: Io,
): Promise<string> {
  if (generate === true) {
    return generatePassword(io.random);
  }
  const secrets = openSecrets(io.stdin, io.stderr);
  try {
    const password = await secrets.read(`New password for ${username}`, { twice: true });
    passwords.checkRules(password);
    return password;
  } finally {
    secrets.close();
  }
}
