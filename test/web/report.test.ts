/** What would be refused, were permissions enforced: as `mlflow-auth-gateway report` says it, with what would allow it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unexpectedTrouble } from '../e2e/browser/trouble.ts';
import { type Browsers, installBrowsers, type Seat } from '../support/browser.ts';
import { grantOn, type Person } from '../support/gateway.ts';
import { useGateway } from '../support/use-gateway.ts';
import { violations } from './axe.ts';

const A2 = '/api/2.0/mlflow';
const REPORT = `${A2}/permissions/report`;
const { gateway, admin, alice, bob, carol } = useGateway({
  fake: true,
  people: ['alice', 'bob', 'carol'],
  settings: { enforcement: 'report', default_permission: 'NO_PERMISSIONS' },
});

let browsers: Browsers;
let seat: Seat;
beforeAll(async () => {
  browsers = await installBrowsers();
  seat = await browsers.open(gateway.url, admin);
});
afterAll(() => browsers.close());

const edit = (by: Person, id: string) =>
  by.post(`${A2}/experiments/set-experiment-tag`, { experiment_id: id, key: 'k', value: 'v' });
const reportOf = async ({ username }: Person) =>
  (await admin.get(`${REPORT}?username=${username}`)).json.refusals;
const mayOn = async ({ username }: Person, id: string) =>
  (
    await admin.get(
      `${A2}/permissions/explain?username=${username}&resource_type=experiment&resource_id=${id}`,
    )
  ).json.permission;

test('tells each user and thing with what is missing, by the decision itself, and leaves out what is allowed by now', async () => {
  await grantOn(admin, alice, 'experiment', '7', 'READ');
  await grantOn(admin, bob, 'experiment', '7', 'DENY');
  for (const [by, id] of [
    [alice, '7'],
    [alice, '7'],
    [alice, '8'],
    [bob, '7'],
  ] as const) {
    expect((await edit(by, id)).status).toBe(200);
  }
  await expect.poll(async () => (await reportOf(alice)).length, { timeout: 10_000 }).toBe(2);
  const on = (resource_id: string) => ({ resource_type: 'experiment', resource_id });
  expect(await reportOf(alice)).toMatchObject([
    {
      need: { ...on('7'), permission: 'EDIT' },
      ...{ requests: 2, advice: 'grant', holds: 'READ', replaces: 'READ', refused_by: null },
      operations: ['POST 2.0 experiments/set-experiment-tag'],
    },
    { need: { ...on('8'), permission: 'EDIT' }, advice: 'grant', holds: 'NO_PERMISSIONS', replaces: null },
  ]);
  await expect
    .poll(() => reportOf(bob), { timeout: 10_000 })
    .toMatchObject([{ advice: 'refused', refused_by: { ...on('7'), role: null, permission: 'DENY' } }]);
  expect((await admin.get(`${REPORT}?username=${carol.username}`)).json).toEqual({
    ...{ enforcement: 'report', refusals: [] },
  });
  await grantOn(admin, alice, 'experiment', '8', 'EDIT');
  expect(await reportOf(alice)).toHaveLength(1);
  await admin.post('/api/3.0/mlflow/users/permissions/revoke', { username: alice.username, ...on('8') });
});

test('is paged without a gap, and for admins alone', async () => {
  const seen: string[] = [];
  let token = '';
  do {
    const { json } = await admin.get(`${REPORT}?max_results=1${token === '' ? '' : `&page_token=${token}`}`);
    seen.push(...json.refusals.map((each: { username: string }) => each.username));
    token = json.next_page_token ?? '';
  } while (token !== '');
  expect(seen).toEqual([alice.username, alice.username, bob.username]);
  expect((await alice.get(REPORT)).status).toBe(403);
  expect((await gateway.anonymous.get(REPORT)).status).toBe(401);
  expect((await admin.get(`${REPORT}?user=alice`)).status).toBe(400);
});

test('its page grants what is missing once it is confirmed, by keyboard, and says what will change', async () => {
  const { page } = seat;
  await page.goto('/auth/admin/report');
  await page.getByRole('heading', { level: 2, name: alice.username }).waitFor();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await violations(page), colorScheme).toEqual([]);
  }
  await page.setViewportSize({ width: 320, height: 640 });
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
  await page.setViewportSize({ width: 1400, height: 900 });
  await page.getByText('The user holds Nothing (denied) on experiment 7').waitFor();
  expect(await page.getByRole('button', { name: `Grant ${bob.username}` }).count()).toBe(0);

  await page.getByRole('button', { name: `Grant ${alice.username} all of these` }).focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: `Grant ${alice.username} this?` });
  await dialog.getByText('experiment 7: Read → Edit').waitFor();
  await dialog.getByText('experiment 8: Nothing → Edit').waitFor();
  // Nothing happens before it is confirmed.
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  expect([await mayOn(alice, '7'), await mayOn(alice, '8')]).toEqual(['READ', 'NO_PERMISSIONS']);

  await page.getByRole('button', { name: `Grant ${alice.username} Edit on experiment 7` }).click();
  await dialog.getByRole('button', { name: 'Grant' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('experiment 7').filter({ hasText: 'Edit on' }).first().waitFor();
  await expect.poll(() => mayOn(alice, '7')).toBe('EDIT');
  expect(await mayOn(alice, '8')).toBe('NO_PERMISSIONS');
  await page.getByRole('button', { name: `Grant ${alice.username} Edit on experiment 8` }).click();
  await dialog.getByRole('button', { name: 'Grant' }).click();
  // The dialog's own heading, while it closes, holds the name as well.
  await page
    .getByRole('heading', { level: 2, name: alice.username, exact: true })
    .waitFor({ state: 'detached' });
  expect(await mayOn(alice, '8')).toBe('EDIT');
  expect(await unexpectedTrouble(seat)).toEqual([]);
});

test('what was let pass in a workspace is not taken for the same id in the default one', async () => {
  const at = Date.now();
  const entry = {
    ...{
      at,
      requestId: null,
      username: carol.username,
      credential: null,
      ip: null,
      method: 'POST',
      path: '/',
    },
    ...{ operation: 'POST 2.0 runs/create', action: 'update', allowed: false, enforced: false, status: 200 },
    ...{ durationMs: 1, change: null, resources: [{ type: 'experiment', id: '9' }] },
    id: '019acf2c-56e4-7f0a-8a3b-6c2d1e4f5a6b',
    because: 'workspace team: needs EDIT on experiment 9; no grant',
  };
  await gateway.server.store.audit.add([entry]);
  expect(await reportOf(carol)).toEqual([]);
  const here = {
    ...entry,
    id: '019acf2c-56e4-7f0a-8a3b-6c2d1e4f5a6c',
    because: 'needs EDIT on experiment 9; no grant',
  };
  await gateway.server.store.audit.add([here]);
  expect(await reportOf(carol)).toHaveLength(1);
});
