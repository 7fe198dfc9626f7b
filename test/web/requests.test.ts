/** Requests for access, from the page of somebody who may not see a thing to the answer of whoever manages it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unexpectedTrouble } from '../e2e/browser/trouble.ts';
import { type Browsers, installBrowsers, type Seat } from '../support/browser.ts';
import { grantOn } from '../support/gateway.ts';
import { having } from '../support/having.ts';
import { pressTwice } from '../support/press-twice.ts';
import { useGateway } from '../support/use-gateway.ts';
import { violations } from './axe.ts';

const { gateway, admin, alice, bob } = useGateway({
  fake: having({ experiments: { '21': 'churn', '22': 'fraud' }, models: ['scores'] }),
  people: ['alice', 'bob'],
});

let browsers: Browsers;
let asker: Seat;
let owner: Seat;
beforeAll(async () => {
  await grantOn(admin, alice, 'experiment', '21', 'MANAGE');
  await grantOn(admin, alice, 'registered_model', 'scores', 'MANAGE');
  browsers = await installBrowsers();
  [asker, owner] = [await browsers.open(gateway.url, bob), await browsers.open(gateway.url, alice)];
});
afterAll(() => browsers.close());

const NAME = 'GET /ajax-api/2.0/mlflow/experiments/get 403';

test('who may not see an experiment asks for it, and whoever manages it gives what they think right', async () => {
  const { page } = asker;
  await page.goto('/auth/share/experiment/21');
  await page.getByLabel('You want to').waitFor();
  expect(await violations(page)).toEqual([]);
  await page.getByLabel('You want to').selectOption({ label: 'Read and change what is in it' });
  await page.getByLabel('Why').fill('For the report.\n<img src=x onerror=alert(1)>');
  await page.getByRole('button', { name: 'Request access' }).click();
  await page.getByText('You have asked for: Edit. Nobody has answered yet.').waitFor();
  await page.reload();
  await page.getByText('You have asked for: Edit.').waitFor();
  expect(await violations(page)).toEqual([]);

  await owner.page.goto('/auth/account');
  await owner.page.getByRole('link', { name: 'Requests (1)' }).click();
  await owner.page
    .getByRole('row', { name: `${bob.username} experiment churn Edit For the report.` })
    .waitFor();
  await owner.page.getByRole('link', { name: 'experiment churn' }).click();
  await owner.page.getByRole('heading', { level: 1, name: 'Share experiment churn' }).waitFor();
  await owner.page.getByRole('button', { name: `Answer ${bob.username} about experiment churn` }).click();
  const dialog = owner.page.getByRole('dialog', { name: `Give ${bob.username} access?` });
  await dialog.getByText('<img src=x onerror=alert(1)>').waitFor();
  expect(await violations(owner.page)).toEqual([]);
  await owner.page.getByRole('button', { name: `Answer ${bob.username} about experiment churn` }).click();
  await dialog.getByLabel('Your answer').selectOption({ label: 'Read: see everything in it' });
  await dialog.getByLabel('A word to them').fill('Read is enough.');
  await dialog.getByRole('button', { name: 'Send answer' }).click();
  await owner.page.getByText(`${bob.username} now has: Read.`).waitFor();
  await owner.page.getByText('Nobody has asked for access.').waitFor();
  await owner.page.getByRole('row', { name: `${bob.username} Read own grant` }).waitFor();
  expect(await unexpectedTrouble(owner)).toEqual([]);

  await page.goto('/auth/account');
  await page
    .getByRole('row', { name: /experiment 21 Edit .* granted: Read/ })
    .getByText('Read is enough.')
    .waitFor();
  expect([...new Set(await unexpectedTrouble(asker))]).toEqual([NAME]);
});

test('a page about nothing and one about a hidden thing look and answer alike', async () => {
  const { page } = asker;
  const seen: string[] = [];
  for (const id of ['22', '4711']) {
    await page.goto(`/auth/share/experiment/${id}`);
    await page.getByRole('button', { name: 'Request access' }).click();
    await page.getByText('You have asked for: Read. Nobody has answered yet.').waitFor();
    seen.push((await page.getByRole('main').innerText()).replaceAll(id, 'ID'));
    await pressTwice(page.getByRole('button', { name: `Withdraw the request for experiment ${id}` }));
    await page.getByText('Your request is withdrawn.').waitFor();
  }
  expect(seen[0]).toBe(seen[1]);
  expect((await unexpectedTrouble(asker)).filter((line) => line !== NAME)).toEqual([]);
});

test('by keyboard alone at 320 px: asked on the page that refuses, answered with a decline', async () => {
  const { page } = asker;
  await page.setViewportSize({ width: 320, height: 640 });
  await page.goto('/model-versions/get-artifact?name=scores&version=1&path=model');
  await page.getByRole('heading', { name: 'Permission denied' }).waitFor();
  await press(asker, 'link', 'Request access');
  await page.getByRole('heading', { level: 1, name: 'Share registered model scores' }).waitFor();
  await press(asker, 'button', 'Request access');
  await page.getByText('You have asked for: Read.').waitFor();
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);

  await owner.page.setViewportSize({ width: 320, height: 640 });
  await owner.page.goto('/auth/requests');
  await press(owner, 'button', `Answer ${bob.username} about registered model scores`);
  await tabTo(owner, 'combobox', 'Your answer');
  await owner.page.keyboard.press('End');
  expect(await owner.page.evaluate('document.documentElement.scrollWidth')).toBe(320);
  await press(owner, 'button', 'Send answer');
  await owner.page.getByText(`The request of ${bob.username} is declined.`).waitFor();
  await page.goto('/auth/requests');
  await page.getByRole('row').filter({ hasText: 'registered model scores' }).getByText('declined').waitFor();
  await page.setViewportSize({ width: 1400, height: 900 });
  await owner.page.setViewportSize({ width: 1400, height: 900 });
});

test('who answers second is told who was first, and the page shows how it is', async () => {
  const { json } = await bob.post('/api/2.0/mlflow/access-requests/create', {
    resource_type: 'experiment',
    resource_id: '21',
    permission: 'EDIT',
  });
  const { page } = owner;
  await page.goto('/auth/requests');
  await page.getByRole('button', { name: `Answer ${bob.username} about experiment churn` }).click();
  const { access_request_id } = json.access_request;
  await admin.post('/api/2.0/mlflow/access-requests/answer', { access_request_id, decision: 'decline' });
  await page.getByRole('button', { name: 'Send answer' }).click();
  await page.getByText('admin has answered it already: declined.').waitFor();
  await page.getByText('Nobody has asked for access.').waitFor();
});

async function tabTo({ page }: Seat, role: 'combobox' | 'button' | 'link', name: string): Promise<void> {
  const wanted = page.getByRole(role, { name, exact: true });
  await wanted.waitFor();
  for (let tries = 0; tries < 40; tries++) {
    if ((await wanted.and(page.locator(':focus')).count()) > 0) {
      return;
    }
    await page.keyboard.press('Tab');
  }
  throw new Error(`no way to ${name} by Tab`);
}

async function press(seat: Seat, role: 'button' | 'link', name: string): Promise<void> {
  await tabTo(seat, role, name);
  await seat.page.keyboard.press('Enter');
}
