/** The audit log's page while it is open: new entries show by themselves, as long as somebody is there to see them. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unexpectedTrouble } from '../e2e/browser/trouble.ts';
import { type Browsers, installBrowsers, type Seat } from '../support/browser.ts';
import { useGateway } from '../support/use-gateway.ts';
import { violations } from './axe.ts';

const A2 = '/api/2.0/mlflow';
const { gateway, alice, bob } = useGateway({ fake: true, people: ['alice', 'bob'] });

let browsers: Browsers;
let seat: Seat;
let asked: URL[];
beforeAll(async () => {
  browsers = await installBrowsers();
  seat = await browsers.open(gateway.url, gateway.admin);
  seat.page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.pathname.endsWith('/audit/search') && url.searchParams.has('since')) {
      asked.push(url);
    }
  });
  await seat.page.clock.install();
});
afterAll(() => browsers.close());

/** Leaves an entry of a failed sign-in. */
const fail = ({ username }: { readonly username: string }, wrong: string) =>
  gateway.as(username, wrong).get(`${A2}/users/current`);

/** Lets the page's time pass until something is so. */
async function passUntil(isSo: () => Promise<boolean> | boolean): Promise<void> {
  await expect
    .poll(
      async () => {
        await seat.page.clock.runFor(1_000);
        return isSo();
      },
      { timeout: 20_000, interval: 100 },
    )
    .toBe(true);
}

const rows = (text: string) => seat.page.getByRole('row', { name: text });
const status = () => seat.page.getByRole('status').filter({ hasText: 'New entries' });

async function open(): Promise<void> {
  asked = [];
  await seat.page.goto('/auth/admin/audit');
  await seat.page.getByText('New entries show by themselves.').waitFor();
}

/** Searches for what one user did. */
async function filterBy(username: string): Promise<void> {
  await seat.page.getByLabel('User').fill(username);
  await seat.page.getByRole('button', { name: 'Search' }).click();
  await expect.poll(() => rows('admin').count()).toBe(0);
  asked = [];
}

test('what the filters find shows by itself, each once, and is told to who hears the page', async () => {
  await open();
  await filterBy(alice.username);
  await fail(bob, 'wrong 0');
  await fail(alice, 'wrong 1');
  await passUntil(async () => (await rows(alice.username).count()) === 1);
  await fail(alice, 'wrong 2');
  await passUntil(async () => (await rows(alice.username).count()) === 2);
  await passUntil(async () =>
    ((await status().textContent()) ?? '').includes('2 new since you opened the page.'),
  );
  expect(await rows(bob.username).count()).toBe(0);
  expect(asked.every((url) => url.searchParams.get('username') === alice.username)).toBe(true);
  expect(await violations(seat.page)).toEqual([]);
  expect(await unexpectedTrouble(seat)).toEqual([]);
});

test('it is paused and resumed, by keyboard, and then what came meanwhile shows', async () => {
  await open();
  await filterBy(bob.username);
  const before = await rows(bob.username).count();
  await seat.page.getByRole('button', { name: 'Pause' }).focus();
  await seat.page.keyboard.press('Enter');
  await seat.page.getByText('New entries do not show.').waitFor();
  await fail(bob, 'wrong 1');
  asked = [];
  await seat.page.clock.runFor(60_000);
  expect(asked).toEqual([]);
  expect(await rows(bob.username).count()).toBe(before);
  await seat.page.keyboard.press('Enter');
  await seat.page.getByText('New entries show by themselves.').waitFor();
  await passUntil(async () => (await rows(bob.username).count()) === before + 1);
});

test('nothing is asked in a hidden tab', async () => {
  await open();
  await passUntil(() => asked.length > 0);
  const become = (state: string) =>
    seat.page.evaluate(`
      Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
      window.dispatchEvent(new Event('visibilitychange')); document.dispatchEvent(new Event('visibilitychange'));`);
  await become('hidden');
  await expect.poll(() => seat.pending()).toEqual([]);
  asked = [];
  await seat.page.clock.runFor(60_000);
  expect(asked).toEqual([]);
  await become('visible');
  await passUntil(() => asked.length > 0);
});

test('nor when nobody has touched the page for long: its session is to end unused', async () => {
  await open();
  await passUntil(() => asked.length > 0);
  await seat.page.clock.fastForward('14:00');
  await seat.page.keyboard.press('Shift');
  await seat.page.clock.fastForward('14:00');
  expect(await status().textContent()).toContain('New entries show by themselves.');
  await seat.page.clock.fastForward('02:00');
  await seat.page.getByText('nobody has been here for a while').waitFor();
  asked = [];
  await seat.page.clock.runFor(60_000);
  expect(asked).toEqual([]);
  await seat.page.getByRole('button', { name: 'Resume' }).click();
  await passUntil(() => asked.length > 0);
});

test('a server that fails is told, and asked again', async () => {
  await open();
  await seat.page.route('**/audit/search?*since=*', (route) =>
    route.fulfill({ status: 500, json: { error_code: 'INTERNAL_ERROR', message: 'The store is full.' } }),
  );
  await passUntil(() => seat.page.getByText('The store is full.').isVisible());
  await seat.page.unroute('**/audit/search?*since=*');
  await passUntil(() => seat.page.getByText('The store is full.').isHidden());
  seat.takeTrouble();
});

test('both downloads hold what the filters find', async () => {
  await open();
  await filterBy(alice.username);
  for (const [link, file] of [
    ['Download CSV', 'audit.csv'],
    ['Download JSON lines', 'audit.jsonl'],
  ] as const) {
    const [download] = await Promise.all([
      seat.page.waitForEvent('download'),
      seat.page.getByRole('link', { name: link }).click(),
    ]);
    expect(download.suggestedFilename()).toBe(file);
    const text = readFileSync(await download.path(), 'utf8');
    expect(text).toContain(alice.username);
    expect(text).not.toContain(bob.username);
  }
});
