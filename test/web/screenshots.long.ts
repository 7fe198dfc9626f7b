/** Takes the pictures of docs/pages.md: `npm run screenshots`. */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, test } from 'vitest';
import { type Browsers, installBrowsers } from '../support/browser.ts';
import { useGateway } from '../support/use-gateway.ts';

const A2 = '/api/2.0/mlflow';
const A3 = '/api/3.0/mlflow';
const FOLDER = fileURLToPath(new URL('../../docs/pages/', import.meta.url));
const { gateway } = useGateway({
  fake: (_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ experiment: { experiment_id: '7', name: 'churn' } }));
  },
});

let browsers: Browsers;
beforeAll(async () => {
  mkdirSync(FOLDER, { recursive: true });
  browsers = await installBrowsers();
  const password = 'a long enough password';
  for (const username of ['alice', 'bob', 'carol']) {
    await gateway.admin.post(`${A2}/users/create`, { username, password });
  }
  await gateway.admin.post(`${A2}/users/create`, { username: 'nightly-training', is_service: true });
  const grant = (username: string, permission: string) =>
    gateway.admin.post(`${A3}/users/permissions/grant`, {
      ...{ username, permission },
      ...{ resource_type: 'experiment', resource_id: '7' },
    });
  await grant('alice', 'MANAGE');
  await grant('bob', 'EDIT');
  const { json } = await gateway.admin.post(`${A3}/roles/create`, { name: 'analysts', workspace: 'default' });
  const role = { role_id: json.role.id };
  const onAll = { resource_type: 'experiment', resource_pattern: '*', permission: 'READ' };
  await gateway.admin.post(`${A3}/roles/permissions/add`, { ...role, ...onAll });
  await gateway.admin.post(`${A3}/roles/assign`, { ...role, username: 'carol' });
  const token = { name: 'CI', username: 'alice', scope: { access: 'read' } };
  await gateway.admin.post(`${A2}/users/tokens/create`, token);
  await gateway.as('bob', 'not the password').get(`${A2}/users/current`);
});
afterAll(() => browsers.close());

const PICTURES = [
  ['share', 'alice', 'share/experiment/7', 'Who has access'],
  ['account', 'alice', 'account', 'What you may do'],
  ['users', 'admin', 'admin/users', 'nightly-training'],
  ['user', 'admin', 'admin/users/carol', 'There is no token.'],
  ['audit', 'admin', 'admin/audit', 'users/tokens/create'],
] as const;

test.each(PICTURES)('%s', async (name, who, path, shows) => {
  const person = who === 'admin' ? gateway.admin : gateway.as(who, 'a long enough password');
  const { page } = await browsers.open(gateway.url, person);
  await page.setViewportSize({ width: 900, height: 640 });
  for (const colorScheme of name === 'share' ? (['light', 'dark'] as const) : (['light'] as const)) {
    await page.emulateMedia({ colorScheme });
    await page.goto(`/auth/${path}`);
    await page.getByText(shows).first().waitFor();
    await page.screenshot({ path: `${FOLDER}${name}-${colorScheme}.png`, fullPage: name !== 'audit' });
  }
});
