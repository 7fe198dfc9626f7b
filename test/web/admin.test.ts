/** What admins do on the pages, from a newcomer's first day to an offboarding. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unexpectedTrouble } from '../e2e/browser/trouble.ts';
import { type Browsers, installBrowsers, type Seat } from '../support/browser.ts';
import { unique } from '../support/gateway.ts';
import { pressTwice } from '../support/press-twice.ts';
import { useGateway } from '../support/use-gateway.ts';

const A2 = '/api/2.0/mlflow';
const A3 = '/api/3.0/mlflow';
const { gateway, alice, bob } = useGateway({ fake: true, people: ['alice', 'bob'] });

let browsers: Browsers;
let seat: Seat;
beforeAll(async () => {
  browsers = await installBrowsers();
  seat = await browsers.open(gateway.url, gateway.admin);
});
afterAll(() => browsers.close());

const current = async (username: string, password: string) =>
  gateway.as(username, password).get(`${A2}/users/current`);

test('a user is made with a first password, found, reset, disabled, enabled and deleted', async () => {
  const { page } = seat;
  const username = unique('newcomer');
  await page.goto('/auth/admin/users');
  await page.getByRole('button', { name: 'New user' }).click();
  const making = page.getByRole('dialog', { name: 'New user' });
  await making.getByLabel('Name').fill(username);
  await making.getByRole('button', { name: 'Create user' }).click();
  await making.getByText(`User ${username} is made.`).waitFor();
  const first = (await making.locator('pre').textContent()) ?? '';
  expect((await current(username, first)).json.user.must_change_password).toBe(true);
  await making.getByRole('button', { name: 'Close' }).click();

  await page.getByLabel('Find a user').fill(username.toUpperCase());
  await page.getByRole('row', { name: bob.username }).waitFor({ state: 'detached' });
  await page.getByRole('link', { name: username }).click();
  await page.getByRole('heading', { level: 1, name: username }).waitFor();

  await page.getByRole('button', { name: 'Reset password' }).click();
  const resetting = page.getByRole('alertdialog', { name: `A new password for ${username}?` });
  await resetting.getByRole('button', { name: 'Reset password' }).click();
  const second = (await resetting.locator('pre').textContent()) ?? '';
  expect([(await current(username, first)).status, (await current(username, second)).status]).toEqual([
    401, 200,
  ]);
  await resetting.getByRole('button', { name: 'Close' }).click();

  await page.getByRole('button', { name: 'Disable' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Disable' }).click();
  await page.getByText('disabled', { exact: true }).waitFor();
  expect((await current(username, second)).status).toBe(401);
  await page.getByRole('button', { name: 'Enable' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Enable' }).click();
  await page.getByText('active', { exact: true }).waitFor();
  expect((await current(username, second)).status).toBe(200);

  const granted = { username, resource_type: 'experiment', resource_id: '21', permission: 'MANAGE' };
  await gateway.admin.post(`${A3}/users/permissions/grant`, granted);
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  const deleting = page.getByRole('alertdialog', { name: `Delete ${username}?` });
  await deleting.getByText('experiment 21').waitFor();
  await deleting.getByLabel('Have this user manage them').fill(bob.username);
  await deleting.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('heading', { level: 1, name: 'Users' }).waitFor();
  const query = `username=${bob.username}&resource_type=experiment&resource_id=21`;
  expect((await gateway.admin.get(`${A2}/permissions/explain?${query}`)).json.permission).toBe('MANAGE');
  expect((await current(username, second)).status).toBe(401);
  expect(await unexpectedTrouble(seat)).toEqual([]);
});

test('why somebody cannot see a model is told in words', async () => {
  const { page } = seat;
  await page.goto(`/auth/admin/users/${alice.username}`);
  await page.getByLabel('Kind', { exact: true }).selectOption({ label: 'registered model' });
  await page.getByLabel('Id or name').fill('churn');
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByText(/^Nothing, because: /).waitFor();
});

test('a role is made, grants something, gets a member and is deleted', async () => {
  const { page } = seat;
  const role = unique('analysts');
  await page.goto('/auth/admin/roles');
  await page.getByRole('button', { name: 'New role' }).click();
  const making = page.getByRole('dialog', { name: 'New role' });
  await making.getByLabel('Name').fill(role);
  await making.getByRole('button', { name: 'Create role' }).click();
  await page.getByRole('button', { name: `Open role ${role}` }).click();
  const open = page.getByRole('dialog', { name: role });
  await open.getByLabel('Id, name, or * for all').fill('*');
  await open.getByRole('button', { name: 'Add a grant' }).click();
  await open.getByText('Read: every experiment').waitFor();
  const remove = open.getByRole('button', { name: `Remove ${alice.username}` });
  const addAlice = async () => {
    await open.getByLabel('User').fill(alice.username);
    await open.getByRole('button', { name: 'Add a member' }).click();
    await remove.waitFor();
  };
  await addAlice();
  const held = async () =>
    (
      await gateway.admin.get(
        `${A3}/users/permissions/get?username=${alice.username}&resource_type=experiment&resource_id=30`,
      )
    ).json.permission;
  expect(await held()).toBe('READ');
  await pressTwice(remove);
  await remove.waitFor({ state: 'detached' });
  expect(await held()).toBe('NO_PERMISSIONS');
  await addAlice();
  expect(await held()).toBe('READ');
  await open.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: `Delete role ${role}` }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete role' }).click();
  await page.getByRole('row', { name: role }).waitFor({ state: 'detached' });
  expect(await held()).toBe('NO_PERMISSIONS');
  expect(await unexpectedTrouble(seat)).toEqual([]);
});

test('the audit log is filtered and downloaded', async () => {
  const { page } = seat;
  await gateway.as(alice.username, 'not the password').get(`${A2}/users/current`);
  await page.goto('/auth/admin/audit');
  await page.getByLabel('User').fill(alice.username);
  await page.getByLabel('Outcome').selectOption({ label: 'refused' });
  await page.getByRole('button', { name: 'Search' }).click();
  const rows = page.getByRole('table').getByRole('row');
  await expect
    .poll(async () => (await rows.allTextContents()).slice(1).every((text) => text.includes('refused')), {
      timeout: 20_000,
    })
    .toBe(true);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download CSV' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('audit.csv');
  expect(new URL(download.url()).searchParams.get('username')).toBe(alice.username);
});

test('who is locked out is let in again', async () => {
  const { page } = seat;
  for (let tries = 0; tries < 10; tries++) {
    await gateway.as(bob.username, `wrong ${tries}`).get(`${A2}/users/current`);
  }
  await page.goto('/auth/admin/lockouts');
  const row = page.getByRole('row', { name: bob.username });
  await row.getByRole('button', { name: 'Let in' }).click();
  await row.waitFor({ state: 'detached' });
  expect(await unexpectedTrouble(seat)).toEqual([]);
});

test('lists go on where they ended, of very many users too', async () => {
  const { page } = seat;
  for (let at = 0; at < 60; at++) {
    const username = `many-${String(at).padStart(2, '0')}`;
    await gateway.admin.post(`${A2}/users/create`, { username, is_service: true });
  }
  await page.goto('/auth/admin/users');
  await page.getByLabel('Find a user').fill('many-');
  await page.getByRole('row', { name: 'many-49' }).waitFor();
  expect(await page.getByRole('row', { name: 'many-50' }).count()).toBe(0);
  await page.getByRole('button', { name: 'Show more' }).click();
  await page.getByRole('row', { name: 'many-59' }).waitFor();
  expect(await page.getByRole('button', { name: 'Show more' }).count()).toBe(0);
  expect(await unexpectedTrouble(seat)).toEqual([]);
});
