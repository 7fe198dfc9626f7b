import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browsers, installBrowsers, signIn } from '../../support/browser.ts';
import { createExperiment, unique } from '../../support/gateway.ts';
import { NEWEST } from '../../support/mlflow.ts';
import { useGateway } from '../../support/use-gateway.ts';
import { unexpectedTrouble } from './trouble.ts';

// MLflow 2.15.1 has none of these pages.
describe("in MLflow 3.17.2's own pages for accounts", () => {
  let browsers: Browsers;

  const { gateway } = useGateway({ version: NEWEST });
  beforeAll(async () => {
    browsers = await installBrowsers();
  });
  afterAll(() => browsers.close());

  test('the account page shows what its owner holds, and nothing to manage', async () => {
    const alice = await gateway.person('alice');
    const experiment = await createExperiment(alice);
    const seat = await browsers.open(gateway.url, alice);
    const { page } = seat;
    await page.goto('/');
    await page.getByRole('button', { name: `Account menu for ${alice.username}` }).click();
    await page.getByRole('menuitem', { name: 'Logout' }).waitFor();
    expect(await page.getByRole('menuitem', { name: 'Manage' }).count()).toBe(0);
    await page.getByRole('menuitem', { name: 'Account' }).click();
    await page.getByText(`Logged in as ${alice.username}`).waitFor();
    await page.getByRole('tab', { name: 'Permissions' }).click();
    await page.getByRole('row', { name: `experiment:${experiment} MANAGE` }).waitFor();
    expect(await unexpectedTrouble(seat)).toEqual([]);
  });

  test('a changed password counts at once, also for the browser that changed it', async () => {
    const bob = await gateway.person('bob');
    const password = unique('another long password');
    const seat = await browsers.open(gateway.url, bob);
    const { page } = seat;
    await page.goto('/#/account');
    await page.getByRole('button', { name: 'Change password' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByPlaceholder('Enter current password').fill('not what it was');
    await dialog.getByPlaceholder('Enter new password').fill(password);
    await dialog.getByPlaceholder('Confirm new password').fill(password);
    await dialog.getByRole('button', { name: 'Update password' }).click();
    await dialog.getByText('Current password does not match.').waitFor();
    await dialog.getByPlaceholder('Enter current password').fill(bob.password);
    await dialog.getByRole('button', { name: 'Update password' }).click();

    // MLflow's page signs out by itself then.
    await page.getByRole('heading', { name: 'Sign in to MLflow' }).waitFor();
    await signIn(page, { username: bob.username, password });
    await page.getByRole('button', { name: `Account menu for ${bob.username}` }).waitFor();
    expect((await bob.get('/api/2.0/mlflow/users/current')).status).toBe(401);
    expect((await gateway.as(bob.username, password).get('/api/2.0/mlflow/users/current')).status).toBe(200);
  });

  test("MLflow's own Logout ends the session, and the next one who signs in is another user", async () => {
    const carol = await gateway.person('carol');
    const dave = await gateway.person('dave');
    const seat = await browsers.open(gateway.url, carol);
    const { page } = seat;
    await page.goto('/');
    const account = page.getByRole('button', { name: `Account menu for ${carol.username}` });
    await account.click();
    expect(await unexpectedTrouble(seat)).toEqual([]);
    const stolen = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
    const who = () => gateway.anonymous.get('/api/2.0/mlflow/users/current', { headers: { cookie: stolen } });
    expect((await who()).status).toBe(200);

    await page.getByRole('menuitem', { name: 'Logout' }).click();
    await page.getByRole('heading', { name: 'Sign in to MLflow' }).waitFor();
    expect(seat.takeTrouble()).toEqual(['GET /ajax-api/2.0/mlflow/users/current 401']);
    expect((await who()).status).toBe(401);
    const names = (await page.context().cookies()).map(({ name }) => name);
    expect(names).toEqual(['mlflow-gateway-form']);
    await signIn(page, dave);
    await page.getByRole('button', { name: `Account menu for ${dave.username}` }).waitFor();
  });

  test('the sign-up page makes a user, and tells in the form what is wrong', async () => {
    const username = unique('gina');
    const password = 'a password of gina';
    const seat = await browsers.open(gateway.url, gateway.admin);
    const { page } = seat;
    await page.setViewportSize({ width: 320, height: 600 });
    await page.goto('/signup');
    const heading = page.getByRole('heading', { name: 'Sign up a user' });
    // The style that its policy allows is taken.
    expect(await page.evaluate('getComputedStyle(document.body).fontFamily')).toBe('sans-serif');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
    const send = async (first: string, second: string) => {
      await page.getByLabel('Password:', { exact: true }).fill(first);
      await page.getByLabel('Password again:').fill(second);
      await page.getByRole('button', { name: 'Sign up' }).click();
    };
    await page.getByLabel('Username:').fill(username);
    await send(password, 'another password');
    await page.getByRole('alert').getByText('The two passwords are not the same.').waitFor();
    await send('short', 'short');
    await page.getByRole('alert').getByText('Password must be at least 12 characters.').waitFor();
    await send(password, password);
    await page.getByText(`Successfully signed up user: ${username}`).waitFor();
    expect((await gateway.as(username, password).get('/api/2.0/mlflow/users/current')).status).toBe(200);
    expect(
      seat.takeTrouble().filter((line) => line.startsWith('console') || line.startsWith('crash')),
    ).toEqual([]);
    await page.getByRole('link', { name: 'Sign up another' }).click();
    await heading.waitFor();
  });

  test('an admin creates a user and a role for them, which the user finds on the account page', async () => {
    const username = unique('erin');
    const password = unique('a long password');
    const role = unique('readers');
    const seat = await browsers.open(gateway.url, gateway.admin);
    const { page } = seat;
    const dialog = page.getByRole('dialog');
    await page.goto('/');
    await page.getByRole('button', { name: 'Account menu for admin' }).click();
    await page.getByRole('menuitem', { name: 'Manage' }).click();
    await page.getByRole('button', { name: 'Create User' }).click();
    await dialog.getByPlaceholder('Enter username').fill(username);
    await dialog.getByPlaceholder('Enter password').fill(password);
    await dialog.getByRole('button', { name: 'Create user' }).click();
    await page.getByRole('link', { name: username }).waitFor();

    await page.getByRole('tab', { name: 'Roles' }).click();
    await page.getByRole('button', { name: 'Create Role' }).click();
    await dialog.getByPlaceholder('Enter role name').fill(role);
    await dialog.getByRole('button', { name: 'Permissions' }).click();
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await dialog.getByRole('button', { name: 'Assign users' }).click();
    await dialog.getByRole('combobox', { name: /^Users/ }).click();
    await page.getByRole('option', { name: username }).click();
    await page.keyboard.press('Escape');
    await dialog.getByRole('button', { name: 'Create role' }).click();
    await page.getByRole('link', { name: role }).waitFor();
    expect(await unexpectedTrouble(seat)).toEqual([]);

    const erin = gateway.as(username, password);
    const hers = await browsers.open(gateway.url, erin);
    await hers.page.goto('/#/account');
    await hers.page.getByRole('row', { name: role }).waitFor();
    await hers.page.getByRole('tab', { name: 'Permissions' }).click();
    await hers.page.getByRole('row', { name: `experiment:all READ ${role}` }).waitFor();
    expect(await unexpectedTrouble(hers)).toEqual([]);

    await page.goto(`/#/admin/users/${username}`);
    await page.getByRole('row', { name: role }).waitFor();
    await page.goto('/#/admin');
    await page.getByRole('checkbox', { name: username }).check();
    await page.getByRole('button', { name: 'Delete' }).click();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('link', { name: username }).waitFor({ state: 'detached' });
    expect(await unexpectedTrouble(seat)).toEqual([]);
    expect((await erin.get('/api/2.0/mlflow/users/current')).status).toBe(401);
  });
});
