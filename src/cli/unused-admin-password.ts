import type { Config } from '../config.ts';
import { createPasswords } from '../identity/password.ts';
import type { Store } from '../store/index.ts';

/**
 * What to say of an `admin_password` that nobody signs in with, as it counts only for the first administrator of an
 * empty store; undefined if there is nothing to say.
 */
export async function unusedAdminPassword(
  { admin_username: username, admin_password: password, ...config }: Config,
  { users }: Pick<Store, 'users'>,
): Promise<string | undefined> {
  if (password === undefined) {
    return undefined;
  }
  const passwords = createPasswords({
    rounds: config.password_rounds,
    minLength: config.min_password_length,
  });
  try {
    const user = await users.get(username);
    const opens = user !== undefined && (await passwords.verify(password.reveal(), user.passwordHash));
    return opens
      ? undefined
      : 'admin_password (MLFLOW_AUTH_ADMIN_PASSWORD) is ignored: the store has users already, and their passwords are changed with mlflow-auth-client update-user-password NAME.';
  } finally {
    await passwords.close();
  }
}
