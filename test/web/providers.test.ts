/** The page of the providers of single sign-on: how each is set, what to register there, and whether it answers. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unexpectedTrouble } from '../e2e/browser/trouble.ts';
import { type Browsers, installBrowsers } from '../support/browser.ts';
import { unique } from '../support/gateway.ts';
import { type FakeProvider, startFakeProvider } from '../support/provider.ts';
import { openGateway } from '../support/use-gateway.ts';
import { violations } from './axe.ts';

const SECRET = 'a secret that is shown nowhere';

let browsers: Browsers;
let provider: FakeProvider;
let other: FakeProvider;
beforeAll(async () => {
  browsers = await installBrowsers();
  [provider, other] = [await startFakeProvider(), await startFakeProvider()];
});
afterAll(async () => {
  await browsers.close();
  await Promise.all([provider.close(), other.close()]);
});

test('an admin sees how each is set and how many users come from it, and asks it again; no secret', async () => {
  const { gateway, admin } = await openGateway({
    fake: true,
    settings: {
      public_url: 'https://mlflow.example.com',
      oidc: {
        sso: {
          issuer: provider.uri,
          client_id: 'mlflow',
          client_secret: SECRET,
          display_name: 'Our sign-on',
          groups_claim: 'roles',
          admin_group: 'operators',
        },
        tokens: { issuer: other.uri, audience: 'mlflow', display_name: 'For programs' },
        gone: { issuer: 'http://127.0.0.1:9', audience: 'mlflow' },
      },
    },
  });
  const alice = await gateway.person('alice');
  const link = { username: alice.username, provider: 'gone', subject: unique('subject') };
  expect((await admin.send('PATCH', '/api/2.0/mlflow/users/link', { json: link })).status).toBe(200);
  expect((await alice.get('/api/2.0/mlflow/providers/list')).status).toBe(403);
  expect((await alice.get('/api/2.0/mlflow/providers/check?provider=sso')).status).toBe(403);
  expect((await admin.get('/api/2.0/mlflow/providers/check?provider=none')).status).toBe(404);

  const seat = await browsers.open(gateway.url, gateway.admin);
  const { page } = seat;
  await page.goto('/auth/admin/providers');
  const [sso, gone] = [
    page.locator('section').filter({ hasText: 'oidc.sso' }),
    page.locator('section').filter({ hasText: 'oidc.gone' }),
  ];
  await sso.getByRole('heading', { name: 'Our sign-on' }).waitFor();
  await sso.getByText('https://mlflow.example.com/auth/oidc/sso/callback').first().waitFor();
  for (const text of [provider.uri, 'roles', 'operators', 'a secret']) {
    await sso.getByText(text, { exact: true }).first().waitFor();
  }
  await page
    .locator('section')
    .filter({ hasText: 'oidc.tokens' })
    .getByText('ready', { exact: true })
    .waitFor();
  await gone.getByText('not ready').waitFor();
  await gone.locator('div').filter({ hasText: 'Users from there' }).getByText('1', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Look again at gone' }).click();
  await gone.getByText('not ready').waitFor();
  expect(await violations(page)).toEqual([]);
  const answers = await admin.get('/api/2.0/mlflow/providers/list');
  expect(answers.text + (await page.content())).not.toContain(SECRET);
  expect(await unexpectedTrouble(seat)).toEqual([]);
});
