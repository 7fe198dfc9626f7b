/** What a user reaches, on the page of the user, and from there to who else does and back. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unexpectedTrouble } from '../e2e/browser/trouble.ts';
import { type Browsers, installBrowsers } from '../support/browser.ts';
import { grantOn } from '../support/gateway.ts';
import { having } from '../support/having.ts';
import { useGateway } from '../support/use-gateway.ts';
import { violations } from './axe.ts';

const { gateway, admin, alice } = useGateway({
  fake: having({ experiments: { '31': 'churn', '32': 'fraud', '33': 'hidden' }, models: ['scores'] }),
  people: ['alice'],
});

let browsers: Browsers;
beforeAll(async () => {
  await grantOn(admin, alice, 'experiment', '31', 'MANAGE');
  await grantOn(admin, alice, 'experiment', '32', 'READ');
  await grantOn(admin, alice, 'registered_model', 'scores', 'EDIT');
  browsers = await installBrowsers();
});
afterAll(() => browsers.close());

test('an admin sees every thing by its name, finds one, and goes to who else has access and back', async () => {
  const seat = await browsers.open(gateway.url, gateway.admin);
  const { page } = seat;
  await page.goto(`/auth/admin/users/${alice.username}`);
  const table = page.getByRole('table', { name: 'Everything that they may do anything to' });
  await table.getByRole('row', { name: 'churn (31) Manage own grant' }).waitFor();
  expect(await table.getByRole('row').allInnerTexts()).toHaveLength(3);
  expect(await violations(page)).toEqual([]);
  await page.getByLabel('Find by name').fill('frau');
  await table.getByRole('row', { name: 'churn' }).waitFor({ state: 'detached' });
  await table.getByRole('row', { name: 'fraud (32) Read own grant' }).waitFor();
  await page.getByLabel('Find by name').fill('nothing like it');
  await page.getByText('Nothing of this kind.').waitFor();
  await page.getByLabel('Find by name').fill('');
  await page.getByLabel('Kind of thing').selectOption({ label: 'registered model' });
  await table.getByRole('link', { name: 'scores' }).click();
  await page.getByRole('heading', { level: 1, name: 'Share registered model scores' }).waitFor();
  await page.getByRole('link', { name: alice.username }).click();
  await page.getByRole('heading', { level: 1, name: alice.username }).waitFor();
  expect(await unexpectedTrouble(seat)).toEqual([]);
});
