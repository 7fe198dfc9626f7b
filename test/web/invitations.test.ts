/** From an admin's invitation to a user who has chosen a password and is signed in, by keyboard and by mouse. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unexpectedTrouble } from '../e2e/browser/trouble.ts';
import { type Browsers, installBrowsers, type Seat } from '../support/browser.ts';
import { unique } from '../support/gateway.ts';
import { useGateway } from '../support/use-gateway.ts';
import { violations } from './axe.ts';

const A2 = '/api/2.0/mlflow';
const { gateway, alice, upstream } = useGateway({ fake: true, people: ['alice'] });
const PASSWORD = 'chosen in a browser, long';

let browsers: Browsers;
let admin: Seat;
beforeAll(async () => {
  await gateway.admin.post('/api/3.0/mlflow/roles/create', { name: 'analysts', workspace: 'default' });
  browsers = await installBrowsers();
  admin = await browsers.open(gateway.url, gateway.admin);
});
afterAll(() => browsers.close());

const linkIn = async (seat: Seat): Promise<string> =>
  (await seat.page.getByRole('dialog').locator('pre').textContent()) ?? '';

/** Opens a link in a browser in which nobody is signed in, and waits for whom it is for. */
async function openLink(link: string, username: string): Promise<Seat> {
  const seat = await browsers.open(gateway.url);
  await seat.page.goto('/auth/invitation');
  // It loads the page again, which has no secret any more then.
  expect(await violations(seat.page)).toEqual([]);
  await seat.page.goto(link);
  await seat.page.getByText(`This link is for ${username}.`).waitFor();
  return seat;
}

test('who is invited by keyboard chooses a password by keyboard, and is signed in', async () => {
  const { page } = admin;
  const username = unique('carol');
  await page.goto('/auth/admin/users');
  expect(await violations(page)).toEqual([]);
  await page.getByRole('button', { name: 'Invite a user' }).focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Invite a user' });
  await dialog.getByLabel('Name').focus();
  await page.keyboard.type(username);
  await dialog.getByLabel('analysts').focus();
  await page.keyboard.press('Space');
  expect(await violations(page)).toEqual([]);
  await dialog.getByLabel('Name').focus();
  await page.keyboard.press('Enter');
  await dialog.getByText('It is shown only now.').waitFor();
  const link = await linkIn(admin);
  expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/auth\/invitation#mlai_\w{49}$/);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });

  const seat = await openLink(link, username);
  // It does not stay in the address, nor in the history.
  await expect.poll(() => seat.page.url()).toBe(`${gateway.url}/auth/invitation`);
  for (const colorScheme of ['light', 'dark'] as const) {
    await seat.page.emulateMedia({ colorScheme });
    expect(await violations(seat.page), colorScheme).toEqual([]);
  }
  await seat.page.getByText(`This link is for ${username}.`).waitFor();
  await seat.page.setViewportSize({ width: 320, height: 640 });
  expect(await seat.page.evaluate('document.documentElement.scrollWidth')).toBe(320);
  expect(await unexpectedTrouble(seat)).toEqual([]);
});

test('what is wrong with a password is told, and the link goes on to be good', async () => {
  const username = unique('carol');
  const { json } = await gateway.admin.post(`${A2}/users/invitations/create`, { username });
  const seat = await openLink(json.link, username);
  const { page } = seat;
  const choose = async (password: string, again = password) => {
    await page.getByLabel('New password', { exact: true }).fill(password);
    await page.getByLabel('New password again').fill(again);
    await page.keyboard.press('Enter');
  };
  await choose(PASSWORD, 'another');
  await page.getByText('The two new passwords are not the same.').waitFor();
  await choose('short');
  await page.getByText('Password must be at least').waitFor();
  seat.takeTrouble();
  // A server that takes its time is told, and a second press sends nothing.
  const accepts: string[] = [];
  await page.route('**/invitations/accept', async (route) => {
    accepts.push(route.request().url());
    await new Promise((resolve) => setTimeout(resolve, 300));
    await route.continue();
  });
  await choose(PASSWORD);
  await page.getByRole('button', { name: 'One moment…' }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByText(`Your password is set, and you are signed in as ${username}.`).waitFor();
  expect(accepts).toHaveLength(1);
  await page.getByRole('link', { name: 'Account' }).click();
  await page.getByText(`Signed in as ${username}`).waitFor();
  expect(await unexpectedTrouble(seat)).toEqual([]);
  expect(upstream.arrived.every(({ url }) => !url.includes('mlai_'))).toBe(true);
  // Nobody who goes back finds it.
  await page.goto(json.link);
  await page.getByText('This link does not count').waitFor();
});

test('a password is reset by a link, which an admin sees and revokes', async () => {
  const { page } = admin;
  await page.goto(`/auth/admin/users/${alice.username}`);
  await page.getByRole('button', { name: 'Make a reset link' }).click();
  const dialog = page.getByRole('dialog', {
    name: `A link for ${alice.username} to choose another password?`,
  });
  await dialog.getByRole('button', { name: 'Make link' }).click();
  await dialog.getByText('It is shown only now.').waitFor();
  const link = await linkIn(admin);
  await dialog.getByRole('button', { name: 'Close' }).click();
  expect((await alice.get(`${A2}/users/current`)).status).toBe(200);

  await page.goto('/auth/admin/invitations');
  const row = page.getByRole('row', { name: alice.username });
  await row.getByText('a password reset').waitFor();
  expect(await violations(page)).toEqual([]);
  await row.getByRole('button', { name: `Revoke the link of ${alice.username}` }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke' }).click();
  await row.waitFor({ state: 'detached' });
  const seat = await browsers.open(gateway.url);
  await seat.page.goto(link);
  await seat.page.getByText('This link does not count').waitFor();
  expect(await violations(seat.page)).toEqual([]);
  expect(await unexpectedTrouble(admin)).toEqual([]);
});

test('an address without anything behind its # says so', async () => {
  const seat = await browsers.open(gateway.url);
  await seat.page.goto('/auth/invitation');
  await seat.page.getByText('There is nothing behind the #').waitFor();
  expect(await unexpectedTrouble(seat)).toEqual([]);
});
