/** Sign-in at a provider in a real browser, in front of a real MLflow: where one comes to, and what one's account shows. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Browsers, installBrowsers } from '../../support/browser.ts';
import { createExperiment, grant, unique } from '../../support/gateway.ts';
import { NEWEST } from '../../support/mlflow.ts';
import { CLIENT, type RealProvider, startRealProvider } from '../../support/real-provider.ts';
import { useGateway } from '../../support/use-gateway.ts';
import { unexpectedTrouble } from './trouble.ts';

let provider: RealProvider;
let browsers: Browsers;
beforeAll(async () => {
  provider = await startRealProvider();
  browsers = await installBrowsers();
});
afterAll(async () => {
  await browsers.close();
  await provider.close();
});

const { gateway, admin } = useGateway({
  version: NEWEST,
  settings: async () => ({ oidc: { op: { issuer: provider.uri, display_name: 'Corp', ...CLIENT } } }),
});
beforeAll(() => provider.serve(gateway.url));

/** Somebody who is known here already, signed in at the provider. */
async function somebody(): Promise<string> {
  const name = unique('sso');
  provider.people.set(name, { preferred_username: name });
  provider.current = name;
  const { status } = await admin.post('/api/2.0/mlflow/users/create', {
    username: name,
    password: 'set by an admin',
  });
  expect(status).toBe(200);
  await admin.patch('/api/2.0/mlflow/users/link', { username: name, provider: 'op', subject: name });
  return name;
}

test('a deep link leads to its page, over the sign-in at a provider too', async () => {
  const name = await somebody();
  const experiment = await createExperiment(admin);
  await grant(admin, { ...admin, username: name }, { experiment }, 'READ');
  const seat = await browsers.open(gateway.url);
  const { page } = seat;
  await page.goto(`/#/experiments/${experiment}`);
  expect(new URL(page.url()).hash).toBe(`#/experiments/${experiment}`);
  await page.getByRole('link', { name: 'Sign in with Corp' }).click();
  await page.waitForURL(`${gateway.url}/#/experiments/${experiment}*`);
  await page
    .getByText(/Runs|Traces|Overview/)
    .first()
    .waitFor();
  expect(await page.evaluate('sessionStorage.getItem("mlflow-gateway-fragment")')).toBeNull();
  expect(await unexpectedTrouble(seat)).toEqual([]);
});

test('without a fragment nothing of an earlier one is left, and one leads to no other page', async () => {
  await somebody();
  const { page } = await browsers.open(gateway.url);
  // Left by a sign-in that was given up.
  await page.goto('/auth/sign-in?next=%2Fauth%2Faccount#//evil.example/');
  await page.evaluate('sessionStorage.setItem("mlflow-gateway-fragment", "#left")');
  await page.goto('/auth/sign-in?next=%2Fauth%2Faccount');
  await page.getByRole('link', { name: 'Sign in with Corp' }).click();
  await page.waitForURL(`${gateway.url}/auth/account`);
  // What stands there is text behind a #, whatever it looks like.
  for (const odd of ['#//evil.example/', '#@evil.example', '#"><script>', 'https://evil.example/']) {
    await page.goto('/auth/style.css');
    await page.evaluate(`sessionStorage.setItem("mlflow-gateway-fragment", ${JSON.stringify(odd)})`);
    await page.goto('/auth/return?next=%2Fauth%2Faccount');
    await page.waitForURL((address) => address.pathname === '/auth/account');
    expect(new URL(page.url()).origin).toBe(gateway.url);
  }
  await page.goto('/auth/return?next=https%3A%2F%2Fevil.example%2F');
  await page.waitForURL((address) => address.pathname === '/');
  expect(new URL(page.url()).origin).toBe(gateway.url);
});

test('without JavaScript one comes to the page, without what stands behind the #', async () => {
  await somebody();
  const { page } = await browsers.open(gateway.url);
  const context = await page
    .context()
    .browser()
    ?.newContext({ javaScriptEnabled: false, baseURL: gateway.url });
  const plain = await context?.newPage();
  await plain?.goto('/auth/sign-in?next=%2Fauth%2Fpassword#/experiments/7');
  await plain?.getByRole('link', { name: 'Sign in with Corp' }).click();
  await plain?.waitForURL(`${gateway.url}/auth/password*`);
  expect(plain?.url()).toContain('/auth/password');
});

test('the account of who signs in there offers no form for a password, and says where it is kept', async () => {
  const name = unique('sso');
  provider.people.set(name, { preferred_username: name });
  provider.current = name;
  const seat = await browsers.open(gateway.url);
  const { page } = seat;
  await page.goto('/auth/sign-in?next=%2Fauth%2Faccount');
  await page.getByRole('link', { name: 'Sign in with Corp' }).click();
  await page.getByText('You have no password here: it is kept at Corp. Change it there.').waitFor();
  expect(await page.getByLabel('New password').count()).toBe(0);
  await page.goto('/auth/password');
  await page.getByText('it is kept at Corp. Change it there.').waitFor();
  expect(await unexpectedTrouble(seat)).toEqual([]);
});
