import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browsers, installBrowsers, signIn } from '../../support/browser.ts';
import { createExperiment, unique } from '../../support/gateway.ts';
import { isMlflow2, MLFLOW_VERSIONS } from '../../support/mlflow.ts';
import { useGateway } from '../../support/use-gateway.ts';
import { unexpectedTrouble } from './trouble.ts';

const DESK = { width: 1400, height: 900 };
const PHONE = { width: 320, height: 600 };

describe.each(MLFLOW_VERSIONS)('in front of MLflow %s', (version) => {
  let browsers: Browsers;

  const { gateway, admin } = useGateway({ version });
  beforeAll(async () => {
    browsers = await installBrowsers();
  });
  afterAll(() => browsers.close());

  test.each([
    ['a desk', DESK],
    ['a phone', PHONE],
  ])('at %s one signs in, and comes to the page that was asked for', async (_where, size) => {
    const alice = await gateway.person('alice');
    const experiment = await createExperiment(alice);
    const seat = await browsers.open(gateway.url);
    const { page } = seat;
    await page.setViewportSize(size);
    await page.goto(`/#/experiments/${experiment}`);
    await page.getByRole('heading', { name: 'Sign in to MLflow' }).waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(size.width);
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('username');

    await signIn(page, { username: alice.username, password: 'not the password' });
    await page.getByRole('alert').getByText('The name or the password is not right.').waitFor();
    expect(await page.getByLabel('Name').inputValue()).toBe(alice.username);
    expect(await page.getByLabel('Password').inputValue()).toBe('');
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('password');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(size.width);
    expect(seat.takeTrouble()).toEqual(['POST /auth/sign-in 401', expect.stringMatching(/^notice /)]);

    await page.getByLabel('Password').fill(alice.password);
    await page.keyboard.press('Enter');
    await page.waitForURL(`${gateway.url}/#/experiments/${experiment}*`);
    const shown = isMlflow2(version) ? 'Runs' : /Runs|Traces|Overview/;
    await page.getByText(shown).first().waitFor();
    expect(await unexpectedTrouble(seat)).toEqual([]);
  });

  test('works without JavaScript, loads nothing but its style, and is read out in words', async () => {
    const alice = await gateway.person('alice');
    const { page } = await browsers.open(gateway.url);
    const context = await page
      .context()
      .browser()
      ?.newContext({ javaScriptEnabled: false, baseURL: gateway.url });
    const plain = await context?.newPage();
    if (plain === undefined) {
      throw new Error('there is no browser');
    }
    const loaded: string[] = [];
    plain.on('request', (request) => loaded.push(new URL(request.url()).pathname));
    await plain.goto('/auth/sign-in?next=%2Fhealth');
    expect(loaded.filter((path) => path !== '/favicon.ico')).toEqual(['/auth/sign-in', '/auth/style.css']);
    expect(await plain.locator('form').ariaSnapshot()).toMatch(
      /- text: Name\n *- textbox "Name"\n *- text: Password\n *- textbox "Password"\n *- button "Sign in"$/,
    );
    await plain.getByRole('main').getByRole('heading', { name: 'Sign in to MLflow', level: 1 }).waitFor();
    expect(await plain.getByLabel('Name').getAttribute('autocomplete')).toBe('username');
    expect(await plain.getByLabel('Password').getAttribute('autocomplete')).toBe('current-password');
    await signIn(plain, alice);
    await plain.getByText('OK').waitFor();
    await context?.close();
  });

  test('a first password is changed on a page of its own, before any other', async () => {
    const username = unique('newcomer');
    const first = 'chosen by an admin';
    const password = unique('my own password');
    await admin.post('/api/2.0/mlflow/users/create', {
      username,
      password: first,
      must_change_password: true,
    });
    const seat = await browsers.open(gateway.url);
    const { page } = seat;
    await page.setViewportSize(PHONE);
    await page.goto('/#/models');
    await signIn(page, { username, password: first });
    await page.getByRole('heading', { name: 'Change your password' }).waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(PHONE.width);
    const change = async (current: string, again = password) => {
      await page.getByLabel('Password so far').fill(current);
      await page.getByLabel('New password', { exact: true }).fill(password);
      await page.getByLabel('New password again').fill(again);
      await page.getByRole('button', { name: 'Change password' }).click();
    };
    await change(first, 'something else');
    await page.getByRole('alert').getByText('The two new passwords are not the same.').waitFor();
    await change('not the first');
    await page.getByRole('alert').getByText('Current password does not match.').waitFor();
    await change(first);
    await page.waitForURL(`${gateway.url}/#/models`);
    expect((await gateway.as(username, password).get('/api/2.0/mlflow/users/current')).status).toBe(200);
  });

  test('after signing out the way back shows nothing', async () => {
    const alice = await gateway.person('alice');
    const { page } = await browsers.open(gateway.url, alice);
    await page.goto('/auth/password');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in to MLflow' }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'Sign in to MLflow' }).waitFor();
    await page.goto('/');
    await page.getByRole('heading', { name: 'Sign in to MLflow' }).waitFor();
  });
});
