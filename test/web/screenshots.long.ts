/**
 * Every page for people, in light and in dark, against the pictures of it in docs/pages: `npm run test:screenshots`. With
 * `RENEW=1`, which is `npm run screenshots`, they are taken anew.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { comparePictures } from '../../scripts/lib/compare-pictures.mjs';
import { OWN_SECTIONS } from '../../src/admin/routes.ts';
import { type Browsers, installBrowsers } from '../support/browser.ts';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { having } from '../support/having.ts';

const A2 = '/api/2.0/mlflow';
const A3 = '/api/3.0/mlflow';
const FOLDER = fileURLToPath(new URL('../../docs/pages/', import.meta.url));
const RENEWS = process.env['RENEW'] === '1';
/** Where what differs is shown. */
const SHOWN = mkdtempSync(join(tmpdir(), 'screenshots-'));
/** So many pixels may differ: fewer than a letter has. */
const TOLERATED = 12;

const PASSWORD = 'a long enough password';
const LOOK = { timezoneId: 'UTC', userAgent: 'Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0' };
const MINUTE = 60_000;
/** Time passes between what is done, and stands still while pictures are taken. */
let now = Date.UTC(2026, 10, 30, 9, 0);

let upstream: FakeUpstream;
let gateway: TestGateway;
let browsers: Browsers;
const opened = new Map<string, Page>();
let link = '';

/** Bytes that are the same in every run. */
function sameEachTime(): (bytes: number) => Buffer {
  let made = 0;
  return (bytes) => {
    made += 1;
    return createHash('shake256', { outputLength: bytes }).update(String(made)).digest();
  };
}

beforeAll(async () => {
  mkdirSync(FOLDER, { recursive: true });
  upstream = await startFakeUpstream(having({ experiments: { '7': 'churn' }, models: ['churn'] }));
  const settings = { enforcement: 'report', default_permission: 'NO_PERMISSIONS', sign_in_failures: '3' };
  gateway = await startGateway(upstream.uri, settings, { clock: () => now, random: sameEachTime() });
  browsers = await installBrowsers();
  await fill();
  for (const who of ['admin', 'alice', 'carol'] as const) {
    now += MINUTE;
    const person = who === 'admin' ? gateway.admin : gateway.as(who, PASSWORD);
    opened.set(who, (await browsers.open(gateway.url, person, LOOK)).page);
  }
  opened.set('nobody', (await browsers.open(gateway.url, undefined, LOOK)).page);
});
afterAll(async () => {
  await browsers.close();
  await gateway.close();
  await upstream.close();
});

/** What is there to be seen, a minute apart. */
async function fill(): Promise<void> {
  async function post(path: string, json: object) {
    now += MINUTE;
    const answer = await gateway.admin.post(path, json);
    expect(answer.status, `${path}: ${answer.text}`).toBe(200);
    return answer.json;
  }
  for (const username of ['alice', 'bob', 'carol']) {
    await post(`${A2}/users/create`, { username, password: PASSWORD });
  }
  await post(`${A2}/users/create`, { username: 'nightly-training', is_service: true });
  const on = { resource_type: 'experiment', resource_id: '7' };
  await post(`${A3}/users/permissions/grant`, { username: 'alice', ...on, permission: 'MANAGE' });
  await post(`${A3}/users/permissions/grant`, { username: 'bob', ...on, permission: 'READ' });
  const { role } = await post(`${A3}/roles/create`, { name: 'analysts', workspace: 'default' });
  const onAll = { resource_type: 'experiment', resource_pattern: '*', permission: 'READ' };
  await post(`${A3}/roles/permissions/add`, { role_id: role.id, ...onAll });
  await post(`${A3}/roles/assign`, { role_id: role.id, username: 'carol' });
  await post(`${A2}/users/tokens/create`, { name: 'CI', username: 'alice', scope: { access: 'read' } });
  link = (await post(`${A2}/users/invitations/create`, { username: 'dora', role_ids: [role.id] })).link;
  now += MINUTE;
  const model = { resource_type: 'registered_model', resource_id: 'churn' };
  await post(`${A3}/users/permissions/grant`, { username: 'alice', ...model, permission: 'MANAGE' });
  now += MINUTE;
  const asked = { ...model, permission: 'EDIT', message: 'I am to train the next model with you.' };
  expect((await gateway.as('carol', PASSWORD).post(`${A2}/access-requests/create`, asked)).status).toBe(200);
  now += MINUTE;
  const tag = { experiment_id: '7', key: 'stage', value: 'done' };
  await gateway.as('bob', PASSWORD).post(`${A2}/experiments/set-experiment-tag`, tag);
  for (let tries = 1; tries <= 3; tries += 1) {
    now += MINUTE / 6;
    await gateway.as('bob', `guess ${tries}`).get(`${A2}/users/current`);
  }
}

/** The name of each picture, who sees it, the page, and what shows on it once it is complete. */
const PICTURES = [
  ['share', 'alice', 'share/experiment/7', 'Who has access'],
  ['share-not-manager', 'carol', 'share/experiment/7', 'To share it you need Manage on it.'],
  ['account', 'alice', 'account', 'What you may do'],
  ['requests', 'alice', 'requests', 'I am to train the next model with you.'],
  ['users', 'admin', 'admin/users', 'nightly-training'],
  ['user', 'admin', 'admin/users/carol', 'There is no token.'],
  ['invitations', 'admin', 'admin/invitations', 'dora'],
  ['roles', 'admin', 'admin/roles', 'analysts'],
  ['tokens', 'admin', 'admin/tokens', 'CI'],
  ['audit', 'admin', 'admin/audit', 'New entries show by themselves.'],
  ['report', 'admin', 'admin/report', 'Edit on experiment 7'],
  ['lockouts', 'admin', 'admin/lockouts', 'bob'],
  ['providers', 'admin', 'admin/providers', 'No provider of single sign-on is set.'],
  ['status', 'admin', 'admin/status', 'Open intents'],
  ['invitation', 'nobody', 'invitation', 'This link is for dora.'],
  ['sign-in', 'nobody', 'sign-in', 'Sign in to MLflow'],
  ['api', 'alice', 'api', 'Classic permissions'],
] as const;

const MODES = ['light', 'dark'] as const;

/** As much of the longest pages as a screen has; of the others everything. */
const LONG: ReadonlySet<string> = new Set(['api']);

/** What is done on a page first. */
const FIRST: Readonly<Record<string, (page: Page) => Promise<unknown>>> = {
  // Other entries tell ids that are another's in each run.
  async audit(page) {
    await page.getByLabel('Action').fill('grant');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('row', { name: 'session' }).first().waitFor({ state: 'detached' });
    await page.getByRole('row', { name: 'experiment *' }).or(page.getByText('every experiment')).waitFor();
  },
};

/** What differs from run to run although nothing has changed: how fast something is, and versions. */
const CHANGING: Readonly<Record<string, string>> = { status: 'dd:not(:has(time))' };

async function take(page: Page, name: string, colorScheme: (typeof MODES)[number]): Promise<Buffer> {
  await page.setViewportSize({ width: 900, height: 640 });
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await page.evaluate('document.fonts.ready.then(() => undefined)');
  const changing = CHANGING[name];
  return page.screenshot({
    fullPage: !LONG.has(name),
    animations: 'disabled',
    caret: 'hide',
    ...(changing !== undefined && { mask: [page.locator(changing)], maskColor: '#808080' }),
  });
}

test.each(PICTURES)('%s looks as it did', async (name, who, path, shows) => {
  const page = opened.get(who);
  if (page === undefined) {
    throw new Error(`nobody has signed in as ${who}`);
  }
  await page.clock.setFixedTime(now);
  await page.goto(name === 'invitation' ? link : `/auth/${path}`);
  await page.getByText(shows).first().waitFor();
  await FIRST[name]?.(page);
  for (const mode of MODES) {
    const file = `${name}-${mode}.png`;
    const taken = await take(page, name, mode);
    if (RENEWS) {
      renew(file, taken);
    } else {
      compare(file, taken);
    }
  }
});

/** A picture in which no eye sees a difference stays as it is: each would be a change to be reviewed. */
function renew(file: string, taken: Buffer): void {
  const before = existsSync(FOLDER + file) ? readFileSync(FOLDER + file) : undefined;
  if (before === undefined || comparePictures(before, taken).differing > TOLERATED) {
    writeFileSync(FOLDER + file, taken);
  }
}

function compare(file: string, taken: Buffer): void {
  const { differing, because, picture } = comparePictures(readFileSync(FOLDER + file), taken);
  if (differing > TOLERATED) {
    writeFileSync(join(SHOWN, file), taken);
    if (picture !== undefined) {
      writeFileSync(join(SHOWN, `difference-${file}`), picture);
    }
    expect.fail(
      `${file} does not look as it did: ${because}. See ${SHOWN}. If that is meant: npm run screenshots`,
    );
  }
}

test('every page has its pictures, and every picture is of a page', () => {
  const pages = Object.values(OWN_SECTIONS)
    .flat()
    .flatMap(([, path, , , ...rules]) =>
      rules.some((rule) => rule.rule === 'serve' && /^pages\.(?:app|invitation)$/.test(rule.handler))
        ? [path]
        : [],
    );
  const isOf = (pattern: string) => new RegExp(`^${pattern.replaceAll(/:\w+/g, '[^/]+')}$`);
  const without = pages.filter(
    (pattern) => !PICTURES.some(([, , path]) => isOf(pattern).test(`/auth/${path}`)),
  );
  expect(without).toEqual([]);
  const files = PICTURES.flatMap(([name]) => MODES.map((mode) => `${name}-${mode}.png`));
  expect(readdirSync(FOLDER).toSorted()).toEqual(files.toSorted());
});

test('a visible change is one: a letter in another colour is told, the same picture is not', async () => {
  const page = opened.get('admin');
  await page?.goto('/auth/admin/lockouts');
  await page?.getByText('bob').first().waitFor();
  if (page === undefined) {
    throw new Error('nobody has signed in');
  }
  const before = await take(page, 'lockouts', 'light');
  expect(comparePictures(before, await take(page, 'lockouts', 'light')).differing).toBe(0);
  await page.evaluate("document.querySelector('h1').textContent = 'lockouts'");
  expect(comparePictures(before, await take(page, 'lockouts', 'light')).differing).toBeGreaterThan(TOLERATED);
});
