/** Every page for people, as everybody: complete, without a complaint of the browser, and for everybody's eyes and hands. */
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { unexpectedTrouble } from '../e2e/browser/trouble.ts';
import { type Browsers, installBrowsers, type Seat } from '../support/browser.ts';
import { useGateway } from '../support/use-gateway.ts';
import { violations } from './axe.ts';

const { gateway, alice, bob } = useGateway({ fake: true, people: ['alice', 'bob'] });

const ON = { resource_type: 'experiment', resource_id: '7' };

let browsers: Browsers;
let admin: Seat;
let owner: Seat;
let user: Seat;

beforeAll(async () => {
  const granted = { username: alice.username, ...ON, permission: 'MANAGE' };
  await gateway.admin.post('/api/3.0/mlflow/users/permissions/grant', granted);
  await gateway.admin.post('/api/3.0/mlflow/roles/create', { name: 'analysts', workspace: 'default' });
  await gateway.admin.post('/api/2.0/mlflow/users/tokens/create', { name: 'for CI' });
  browsers = await installBrowsers();
  [admin, owner, user] = await Promise.all([
    browsers.open(gateway.url, gateway.admin),
    browsers.open(gateway.url, alice),
    browsers.open(gateway.url, bob),
  ]);
});
afterAll(() => browsers.close());

/** Where each page is, its heading, and what shows on it once it is complete. */
const PAGES = [
  ['account', 'Account', 'New token'],
  ['share/experiment/7', 'Share experiment 7', 'Who has access'],
  ['requests', 'Requests', 'Nobody has asked for access.'],
  ['admin/users', 'Users', 'Find a user'],
  ['admin/users/admin', 'admin', 'What may they do to a thing?'],
  ['admin/invitations', 'Invitations', 'No link is open.'],
  ['admin/roles', 'Roles', 'analysts'],
  ['admin/tokens', 'Tokens', 'for CI'],
  ['admin/audit', 'Audit', 'Download CSV'],
  ['admin/report', 'Report', 'Nothing would be refused'],
  ['admin/lockouts', 'Lockouts', 'Nobody is locked out.'],
  ['admin/providers', 'Providers', 'No provider of single sign-on is set.'],
  ['admin/status', 'Status', 'Open intents'],
  ['api', 'API', 'Classic permissions'],
] as const;

const shown = ({ page }: Seat, text: string) => page.getByText(text).first().waitFor();

async function visit(seat: Seat, path: string, heading: string, text: string): Promise<void> {
  await seat.page.goto(`/auth/${path}`);
  await seat.page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor();
  await shown(seat, text);
}

describe.each(PAGES)('%s', (path, heading, text) => {
  test('is whole for an admin, in light and dark, at 320 px and by axe', async () => {
    await visit(admin, path, heading, text);
    for (const colorScheme of ['light', 'dark'] as const) {
      await admin.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      expect(await violations(admin.page), colorScheme).toEqual([]);
      await shown(admin, text);
    }
    // 200 % of a page of 640 px is the same.
    await admin.page.setViewportSize({ width: 320, height: 640 });
    expect(await admin.page.evaluate('document.documentElement.scrollWidth')).toBe(320);
    expect(await violations(admin.page), '320 px').toEqual([]);
    await admin.page.setViewportSize({ width: 1400, height: 900 });
    expect(await unexpectedTrouble(admin)).toEqual([]);
  });
});

test.each(PAGES.filter(([path]) => path.startsWith('admin/')))(
  '%s tells a user that it is for admins, and asks nothing that is refused',
  async (path, heading) => {
    await visit(owner, path, heading, 'This page is for admins.');
    expect(await unexpectedTrouble(owner)).toEqual([]);
  },
);

test('who may not share is told what they may and whom to ask, in light and dark', async () => {
  await visit(user, 'share/experiment/7', 'Share experiment 7', 'To share it you need Manage on it.');
  expect(await user.page.getByRole('button', { name: 'Share', exact: true }).count()).toBe(0);
  expect(await violations(user.page)).toEqual([]);
  // Its name is not told either.
  expect(await unexpectedTrouble(user)).toEqual(
    expect.arrayContaining(['GET /ajax-api/2.0/mlflow/experiments/get 403']),
  );
});

test('an address that is no page says so', async () => {
  await visit(user, 'share/scorer/7', 'There is no such page', 'Only experiments and registered models');
});

test.each(PAGES)('nobody gets %s without signing in', async (path) => {
  const answer = await gateway.anonymous.get(`/auth/${path}`, { headers: { accept: 'text/html' } });
  expect([302, 303, 401]).toContain(answer.status);
  expect(answer.text).not.toContain('/auth/assets/');
});

test('with JavaScript off, the page says what to use instead', async () => {
  expect((await alice.get('/auth/account')).text).toContain('<noscript>These pages need JavaScript.');
});

test('no page needs more than 250 kB, compressed', () => {
  const folder = new URL('../../dist/web/assets/', import.meta.url);
  const all = readdirSync(folder).map((name) => readFileSync(new URL(name, folder)));
  // All pages together are still below what one may have.
  const bytes = all.reduce((sum, file) => sum + gzipSync(file).byteLength, 0);
  expect(bytes).toBeLessThan(250_000);
});

test('its files are kept for ever, by their names; the page itself is asked for anew', async () => {
  const { text, headers } = await alice.get('/auth/account');
  expect(headers['cache-control']).toBe('no-cache');
  const [, script = ''] = /src="(\/auth\/assets\/[^"]+\.js)"/.exec(text) ?? [];
  const file = await gateway.anonymous.get(script, { headers: { 'accept-encoding': 'gzip' } });
  expect(file.status).toBe(200);
  expect(file.headers).toMatchObject({
    'cache-control': 'public, max-age=31536000, immutable',
    'content-encoding': 'gzip',
    'content-type': 'text/javascript; charset=utf-8',
    vary: 'accept-encoding',
  });
});
