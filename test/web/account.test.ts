/** The page on which users look after their own password and tokens. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unexpectedTrouble } from '../e2e/browser/trouble.ts';
import { type Browsers, installBrowsers, signIn } from '../support/browser.ts';
import { unique } from '../support/gateway.ts';
import { useGateway } from '../support/use-gateway.ts';
import { violations } from './axe.ts';

const CURRENT = '/api/2.0/mlflow/users/current';
const { gateway, alice, bob } = useGateway({ fake: true, people: ['alice', 'bob'] });

let browsers: Browsers;
beforeAll(async () => {
  browsers = await installBrowsers();
});
afterAll(() => browsers.close());

test('a token for CI: made, shown once with lines to paste, used, renewed and deleted', async () => {
  const seat = await browsers.open(gateway.url, alice);
  const { page } = seat;
  await page.goto('/auth/account');
  await page.getByRole('button', { name: 'New token' }).click();
  const dialog = page.getByRole('dialog', { name: 'New token' });
  await dialog.getByLabel('Name').fill('for CI');
  await dialog.getByLabel('It lives for').selectOption({ label: '30 days' });
  await dialog.getByLabel('It may').selectOption({ label: 'only read' });
  await dialog.getByLabel('Only these experiments').fill('3, 17');
  await dialog.getByRole('button', { name: 'Create token' }).click();
  await dialog.getByText('It is shown only now.').waitFor();
  const [secret = '', shell, , file] = await dialog.locator('pre').allTextContents();
  expect(shell).toBe(`export MLFLOW_TRACKING_URI=${gateway.url}\nexport MLFLOW_TRACKING_TOKEN=${secret}`);
  expect(file).toBe(
    `[mlflow]\nmlflow_tracking_username = ${alice.username}\nmlflow_tracking_password = ${secret}`,
  );
  const by = async (token: string) =>
    gateway.anonymous.get(CURRENT, { headers: { authorization: `Bearer ${token}` } });
  const { json } = await by(secret);
  expect(json.user.username).toBe(alice.username);
  expect(json.credential.scope).toEqual({
    access: 'read',
    resources: [
      { resource_type: 'experiment', resource_id: '3' },
      { resource_type: 'experiment', resource_id: '17' },
    ],
  });
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('row', { name: /^for CI .* only read, only experiment 3, experiment 17/ }).waitFor();
  expect(await page.content()).not.toContain(secret);

  await page.getByRole('button', { name: 'New secret for for CI' }).click();
  const renewing = page.getByRole('alertdialog');
  await renewing.getByRole('button', { name: 'New secret' }).click();
  await renewing.getByText('It is shown only now.').waitFor();
  const [renewed = ''] = await renewing.locator('pre').allTextContents();
  expect([(await by(secret)).status, (await by(renewed)).status]).toEqual([401, 200]);
  await renewing.getByRole('button', { name: 'Close' }).click();

  await page.getByRole('button', { name: 'Delete token for CI' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('There is no token.').waitFor();
  expect((await by(renewed)).status).toBe(401);
  expect(await unexpectedTrouble(seat)).toEqual([]);
});

test('what is wrong with a token is told in the dialog, and what was typed stays', async () => {
  const { page } = await browsers.open(gateway.url, alice);
  await page.goto('/auth/account');
  await page.getByRole('button', { name: 'New token' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('mine');
  await dialog.getByLabel('Only these experiments').fill('churn');
  await dialog.getByRole('button', { name: 'Create token' }).click();
  await dialog.getByRole('alert').getByText('Write ids of experiments').waitFor();
  expect(await dialog.getByLabel('Name').inputValue()).toBe('mine');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
});

test('a changed password counts at once; a wrong or mistyped one changes nothing', async () => {
  const { page } = await browsers.open(gateway.url, bob);
  const next = unique('another long password');
  await page.goto('/auth/account');
  const change = async (current: string, again: string) => {
    await page.getByLabel('Current password').fill(current);
    await page.getByLabel('New password', { exact: true }).fill(next);
    await page.getByLabel('New password again').fill(again);
    await page.getByRole('button', { name: 'Change password' }).click();
  };
  await change(bob.password, `${next}x`);
  await page.getByRole('alert').getByText('The two new passwords are not the same.').waitFor();
  await change('not the password', next);
  await page.getByRole('alert').getByText('Current password does not match.').waitFor();
  expect((await bob.get(CURRENT)).status).toBe(200);
  await change(bob.password, next);
  await page.getByText('Your password is changed.').waitFor();
  expect((await gateway.as(bob.username, next).get(CURRENT)).status).toBe(200);
  expect((await bob.get(CURRENT)).status).toBe(401);
});

test('who has a first password is asked for another before anything else', async () => {
  const username = unique('newcomer');
  const password = 'chosen by an admin';
  const first = { username, password, must_change_password: true };
  await gateway.admin.post('/api/2.0/mlflow/users/create', first);
  const { page } = await browsers.open(gateway.url);
  await page.goto('/auth/account');
  await signIn(page, { username, password });
  await page.getByText('Choose your own before anything else.').waitFor();
  expect(await page.getByRole('button', { name: 'New token' }).count()).toBe(0);
  expect(await violations(page)).toEqual([]);
});

test('who opens a page without a session signs in and gets to it; another session is ended, then this one', async () => {
  const carol = await gateway.person('carol');
  const other = await browsers.open(gateway.url, carol);
  const { page } = await browsers.open(gateway.url);
  await page.goto('/auth/account');
  await signIn(page, carol);
  await page.getByRole('heading', { level: 1, name: 'Account' }).waitFor();
  expect(new URL(page.url()).pathname).toBe('/auth/account');
  await page.getByRole('button', { name: 'End the session at' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'End' }).click();
  await page.getByText('The session is ended.').waitFor();
  await other.page.goto('/auth/account');
  await other.page.getByRole('heading', { level: 1, name: 'Sign in to MLflow' }).waitFor();

  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { level: 1, name: 'Sign in to MLflow' }).waitFor();
  await page.goto('/auth/account');
  await page.getByRole('heading', { level: 1, name: 'Sign in to MLflow' }).waitFor();
});

test('a session that ends while a page is open is told, with the way back', async () => {
  const dora = await gateway.person('dora');
  const { page } = await browsers.open(gateway.url, dora);
  await page.goto('/auth/account');
  await page.getByRole('button', { name: 'New token' }).waitFor();
  const { json } = await dora.get('/api/2.0/mlflow/users/sessions/list');
  for (const { session_id } of json.sessions) {
    await dora.delete('/api/2.0/mlflow/users/sessions/delete', { session_id });
  }
  await page.getByRole('link', { name: 'API' }).click();
  await page.getByRole('alert').getByText('You are not signed in any more.').waitFor();
  await page.getByRole('link', { name: 'Sign in again' }).click();
  await signIn(page, dora);
  await page.getByText('Classic permissions').waitFor();
});
