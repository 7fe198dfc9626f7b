/** Sharing: given and taken on the page, counted by the next request of those who got it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unexpectedTrouble } from '../e2e/browser/trouble.ts';
import { type Browsers, installBrowsers } from '../support/browser.ts';
import type { Person } from '../support/gateway.ts';
import { useGateway } from '../support/use-gateway.ts';
import { violations } from './axe.ts';

const A3 = '/api/3.0/mlflow';
const { gateway, alice, bob, carol, dave } = useGateway({
  fake: true,
  people: ['alice', 'bob', 'carol', 'dave'],
});

let browsers: Browsers;
beforeAll(async () => {
  browsers = await installBrowsers();
});
afterAll(() => browsers.close());

async function manages(owner: Person, type: string, id: string): Promise<void> {
  const granted = { username: owner.username, resource_type: type, resource_id: id, permission: 'MANAGE' };
  expect((await gateway.admin.post(`${A3}/users/permissions/grant`, granted)).status).toBe(200);
}

async function levelOf({ username }: Person, type: string, id: string): Promise<string> {
  const query = new URLSearchParams({ username, resource_type: type, resource_id: id });
  return (await gateway.admin.get(`/api/2.0/mlflow/permissions/explain?${query}`)).json.permission;
}

test('an owner shares with two at once, changes one and takes it back', async () => {
  await manages(alice, 'experiment', '11');
  const seat = await browsers.open(gateway.url, alice);
  const { page } = seat;
  await page.goto('/auth/share/experiment/11');
  const who = page.getByRole('combobox', { name: /^Users/ });
  for (const person of [bob, carol]) {
    await who.fill(person.username.slice(0, -2));
    await page.getByRole('option', { name: person.username }).click();
  }
  await page.getByLabel('They may').selectOption({ label: 'Edit: read, and change what is in it' });
  await page.getByRole('button', { name: 'Share', exact: true }).click();
  await page.getByText(`Shared with ${bob.username}, ${carol.username}.`).waitFor();
  await page.getByRole('row', { name: `${bob.username} Edit own grant` }).waitFor();
  expect([await levelOf(bob, 'experiment', '11'), await levelOf(carol, 'experiment', '11')]).toEqual([
    'EDIT',
    'EDIT',
  ]);

  await page.getByLabel(`What ${bob.username} may do`).selectOption({ label: 'Read' });
  await page.getByText(`${bob.username} now has: Read.`).waitFor();
  expect(await levelOf(bob, 'experiment', '11')).toBe('READ');

  await page.getByRole('button', { name: `Remove the access of ${carol.username}` }).click();
  const dialog = page.getByRole('alertdialog', { name: `Remove the access of ${carol.username}?` });
  await dialog.getByText('loses the grant on this at the next request').waitFor();
  expect(await violations(page)).toEqual([]);
  await page.getByRole('button', { name: `Remove the access of ${carol.username}` }).click();
  await dialog.getByRole('button', { name: 'Remove' }).click();
  await page.getByText(`The access of ${carol.username} was removed.`).waitFor();
  await page.getByRole('row', { name: carol.username }).waitFor({ state: 'detached' });
  expect(await levelOf(carol, 'experiment', '11')).toBe('NO_PERMISSIONS');
  expect(await unexpectedTrouble(seat)).toEqual([]);
});

test('the link of the page is copied, and the page says so', async () => {
  await manages(alice, 'experiment', '212');
  const { page } = await browsers.open(gateway.url, alice);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto('/auth/share/experiment/212');
  await page.getByRole('button', { name: 'Copy link' }).click();
  await page.getByText('Copied.').waitFor();
  expect(await page.evaluate('navigator.clipboard.readText()')).toBe(
    `${gateway.url}/auth/share/experiment/212`,
  );
});

test('while a server is slow, what is pressed twice is done once', async () => {
  await manages(alice, 'experiment', '213');
  const { page } = await browsers.open(gateway.url, alice);
  await page.goto('/auth/share/experiment/213');
  const { promise: slow, resolve: hurry } = Promise.withResolvers<void>();
  let changes = 0;
  await page.route('**/*', async (route) => {
    if (route.request().method() !== 'GET') {
      changes += 1;
      await slow;
    }
    await route.continue();
  });
  await page.getByRole('combobox', { name: /^Users/ }).fill(bob.username);
  await page.getByRole('option', { name: bob.username }).click();
  // As the list closes, it gives the focus back to its field.
  await page.getByRole('listbox').waitFor({ state: 'detached' });
  const share = page.getByRole('button', { name: 'Share', exact: true });
  await expect
    .poll(async () => {
      await share.focus();
      return share.and(page.locator(':focus')).count();
    })
    .toBe(1);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await expect.poll(() => changes).toBe(1);
  hurry();
  await page.getByText(`Shared with ${bob.username}.`).waitFor();
  await page.getByRole('row', { name: `${bob.username} Read own grant` }).waitFor();
  expect(changes).toBe(1);
});

test('an admin shares a model with a role, by keyboard alone', async () => {
  const { json } = await gateway.admin.post(`${A3}/roles/create`, { name: 'readers', workspace: 'default' });
  await gateway.admin.post(`${A3}/roles/assign`, { role_id: json.role.id, username: dave.username });
  const seat = await browsers.open(gateway.url, gateway.admin);
  const { page } = seat;
  await page.goto('/auth/share/registered-model/churn');
  await page.getByRole('combobox', { name: /^Users/ }).waitFor();
  const tabTo = async (role: 'combobox' | 'button', name: string) => {
    const wanted = page.getByRole(role, { name, exact: true });
    for (let tries = 0; tries < 30; tries++) {
      await page.keyboard.press('Tab');
      if ((await wanted.and(page.locator(':focus')).count()) > 0) {
        return;
      }
    }
    throw new Error(`no way to ${name} by Tab`);
  };
  await tabTo('combobox', 'Users and roles');
  await page.keyboard.type('reade');
  await page.getByRole('option', { name: 'readers role' }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('list', { name: 'Chosen' }).getByText('readers').waitFor();
  await tabTo('button', 'Share');
  await page.keyboard.press('Enter');
  await page.getByText('Shared with readers.').waitFor();
  await page.getByRole('row', { name: 'readers Read' }).waitFor();
  expect(await levelOf(dave, 'registered_model', 'churn')).toBe('READ');

  // What is given again is changed.
  await page.getByRole('combobox', { name: /^Users/ }).fill('readers');
  await page.getByRole('option', { name: 'readers role' }).click();
  await page.getByLabel('They may').selectOption({ label: 'Manage: edit, delete it, and share it' });
  await page.getByRole('button', { name: 'Share', exact: true }).click();
  await page.getByRole('row', { name: 'readers Manage' }).waitFor();

  await page.getByRole('button', { name: 'Remove the access of readers' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click();
  await page.getByText('No role grants something on just this.').waitFor();
  expect(await levelOf(dave, 'registered_model', 'churn')).toBe('NO_PERMISSIONS');
  expect(await unexpectedTrouble(seat)).toEqual([]);
});

test('an owner shares with a role that they have, and with no other', async () => {
  await manages(alice, 'experiment', '15');
  const make = async (name: string) =>
    (await gateway.admin.post(`${A3}/roles/create`, { name, workspace: 'default' })).json.role.id;
  const [own] = [await make('my team'), await make('my rivals')];
  for (const { username } of [alice, dave]) {
    await gateway.admin.post(`${A3}/roles/assign`, { role_id: own, username });
  }
  const seat = await browsers.open(gateway.url, alice);
  const { page } = seat;
  await page.goto('/auth/share/experiment/15');
  await page.getByRole('combobox', { name: 'Users and roles' }).fill('my ');
  await page.getByRole('option', { name: 'my team role' }).waitFor();
  expect(await page.getByRole('option', { name: 'my rivals' }).count()).toBe(0);
  await page.getByRole('option', { name: 'my team role' }).click();
  await page.getByRole('button', { name: 'Share', exact: true }).click();
  await page.getByText('Shared with my team.').waitFor();
  await page.getByRole('row', { name: 'my team Read' }).waitFor();
  expect(await levelOf(dave, 'experiment', '15')).toBe('READ');
  await page.getByRole('button', { name: 'Remove the access of my team' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click();
  await page.getByText('No role grants something on just this.').waitFor();
  expect(await levelOf(dave, 'experiment', '15')).toBe('NO_PERMISSIONS');
  expect(await unexpectedTrouble(seat)).toEqual([]);
});

test('what another took away meanwhile is told, and the page shows how it is', async () => {
  await manages(alice, 'experiment', '12');
  await manages(bob, 'experiment', '12');
  const seat = await browsers.open(gateway.url, alice);
  const { page } = seat;
  await page.goto('/auth/share/experiment/12');
  await page.getByRole('button', { name: `Remove the access of ${bob.username}` }).click();
  const gone = { username: bob.username, resource_type: 'experiment', resource_id: '12' };
  await gateway.admin.post(`${A3}/users/permissions/revoke`, gone);
  await page.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('row', { name: bob.username }).waitFor({ state: 'detached' });
  expect((await unexpectedTrouble(seat)).filter((line) => !line.startsWith('notice'))).toEqual([
    'POST /ajax-api/3.0/mlflow/users/permissions/revoke 404',
  ]);
});

test('who is refused stays chosen, with the reason', async () => {
  await manages(alice, 'experiment', '13');
  const { page } = await browsers.open(gateway.url, alice);
  await page.goto('/auth/share/experiment/13');
  await page.getByRole('combobox', { name: /^Users/ }).fill(bob.username);
  await page.getByRole('option', { name: bob.username }).click();
  const gone = { username: alice.username, resource_type: 'experiment', resource_id: '13' };
  await gateway.admin.post(`${A3}/users/permissions/revoke`, gone);
  await page.getByRole('button', { name: 'Share', exact: true }).click();
  // She manages it no longer: the page says so in place of the form.
  await page.getByText('To share it you need Manage on it.').waitFor();
  expect(await levelOf(bob, 'experiment', '13')).toBe('NO_PERMISSIONS');
});

test('a page about a workspace asks about it alone, and leads back to it', async () => {
  const { page } = await browsers.open(gateway.url, gateway.admin);
  const named = new Set<string | undefined>();
  page.on('request', (request) => {
    if (new URL(request.url()).pathname.startsWith('/ajax-api/')) {
      named.add(request.headers()['x-mlflow-workspace']);
    }
  });
  await page.goto('/auth/share/experiment/14?workspace=team-a');
  // The upstream of this test has none, so that every question is refused.
  await page.getByRole('alert').first().waitFor();
  expect([...named]).toEqual(['team-a']);
  expect(await page.getByRole('link', { name: 'Open in MLflow' }).getAttribute('href')).toBe(
    '/?workspace=team-a#/experiments/14',
  );
});
