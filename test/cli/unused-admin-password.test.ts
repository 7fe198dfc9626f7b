import { expect, test } from 'vitest';
import { unusedAdminPassword } from '../../src/cli/unused-admin-password.ts';
import { settings } from '../../src/config.ts';
import { createPasswords } from '../../src/identity/password.ts';
import { open, temporaryUri } from '../store/temporary.ts';

const PASSWORD = 'the first password';

/** What is said with these settings to a store whose admin has {@link PASSWORD}. */
async function said(written: Readonly<Record<string, string>>): Promise<string | undefined> {
  const passwords = createPasswords({ rounds: 4, minLength: 12 });
  const store = await open(temporaryUri());
  await store.users.create({
    username: 'admin',
    passwordHash: await passwords.hash(PASSWORD),
    isAdmin: true,
  });
  await passwords.close();
  return unusedAdminPassword(settings.parse({ password_rounds: '4', ...written }), store);
}

test('nothing is said of a password that opens, or of none', async () => {
  expect(await said({ admin_password: PASSWORD })).toBeUndefined();
  expect(await said({})).toBeUndefined();
});

test.each([
  ['a second password', { admin_password: 'a second password' }],
  ['a password for an admin who is not there', { admin_password: PASSWORD, admin_username: 'boss' }],
])('%s is said to be ignored, and how to change one', async (_, written) => {
  expect(await said(written)).toMatch(/MLFLOW_AUTH_ADMIN_PASSWORD.* is ignored: .*update-user-password NAME/);
});
