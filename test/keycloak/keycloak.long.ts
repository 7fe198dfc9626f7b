/** A real Keycloak: people in a browser, programs by their tokens, rights by group, and the end of a session on either side. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Browsers, installBrowsers } from '../support/browser.ts';
import { createExperiment } from '../support/gateway.ts';
import { NEWEST, runPython } from '../support/mlflow.ts';
import { openShell } from '../support/shell.ts';
import { byToken } from '../support/tokens.ts';
import { useGateway } from '../support/use-gateway.ts';
import { type Keycloak, startKeycloak, tokenOf } from './server.ts';

const REALM = `main-${process.pid}`;
const SECRET = 'the secret of a client';
const A2 = '/api/2.0/mlflow';
const A3 = '/api/3.0/mlflow';
const ALICE = { username: 'alice', password: 'the password of alice' };

let keycloak: Keycloak;
let browsers: Browsers;
let alice: string;
beforeAll(async () => {
  keycloak = await startKeycloak();
  browsers = await installBrowsers();
  await keycloak.manage('POST', '', {
    realm: REALM,
    enabled: true,
    accessTokenLifespan: 30,
    groups: [{ name: 'data' }],
    users: [
      {
        ...{
          username: 'alice',
          enabled: true,
          email: 'alice@example.com',
          firstName: 'Alice',
          lastName: 'A',
        },
        credentials: [{ type: 'password', value: ALICE.password, temporary: false }],
        groups: ['/data'],
      },
    ],
  });
  const [user] = (await (await keycloak.manage('GET', `/${REALM}/users?username=alice`)).json()) as {
    id: string;
  }[];
  alice = user?.id ?? '';
});
afterAll(async () => {
  await browsers?.close();
  await keycloak?.manage('DELETE', `/${REALM}`).catch(() => undefined);
  await keycloak?.close();
});

const { gateway, admin } = useGateway({
  version: NEWEST,
  settings: async () => ({
    default_permission: 'NO_PERMISSIONS',
    oidc: {
      keycloak: {
        issuer: `${keycloak.url}/realms/${REALM}`,
        ...{ client_id: 'gateway', client_secret: SECRET, display_name: 'Keycloak', audience: 'mlflow' },
      },
    },
  }),
});

/** What docs/single-sign-on.md says of Keycloak. */
const MAPPERS = [
  {
    ...{ name: 'groups', protocol: 'openid-connect', protocolMapper: 'oidc-group-membership-mapper' },
    config: {
      'claim.name': 'groups',
      'full.path': 'false',
      'access.token.claim': 'true',
      'id.token.claim': 'true',
    },
  },
  {
    ...{ name: 'audience', protocol: 'openid-connect', protocolMapper: 'oidc-audience-mapper' },
    config: { 'included.custom.audience': 'mlflow', 'access.token.claim': 'true' },
  },
];

beforeAll(async () => {
  const at = `${gateway.url}/auth/oidc/keycloak`;
  await keycloak.manage('POST', `/${REALM}/clients`, {
    ...{ clientId: 'gateway', secret: SECRET, redirectUris: [`${at}/callback`], protocolMappers: MAPPERS },
    attributes: {
      'pkce.code.challenge.method': 'S256',
      'post.logout.redirect.uris': `${gateway.url}/auth/sign-in`,
      'backchannel.logout.url': `${at}/back-channel-logout`,
      'backchannel.logout.session.required': 'true',
    },
  });
  await keycloak.manage('POST', `/${REALM}/clients`, {
    ...{ clientId: 'trainer', secret: SECRET, serviceAccountsEnabled: true, standardFlowEnabled: false },
    ...{ directAccessGrantsEnabled: true, protocolMappers: MAPPERS },
  });
});

type Page = Awaited<ReturnType<Browsers['open']>>['page'];

/** With the cookies of the browser: its pages let no script run. */
const statusIn = async (page: Page, path: string): Promise<number> =>
  (await page.request.get(`${gateway.url}${path}`)).status();
const CURRENT = '/ajax-api/2.0/mlflow/users/current';

/** Signs in from the sign-in page that is open, and so comes to an address of the gateway. */
async function signInThere(page: Page, comesTo: RegExp): Promise<void> {
  await page.getByRole('link', { name: 'Sign in with Keycloak' }).click();
  await page.waitForURL((address) => /openid-connect/.test(address.href) || comesTo.test(address.pathname));
  if (!page.url().startsWith(gateway.url)) {
    await page.locator('#username').fill(ALICE.username);
    await page.locator('#password').fill(ALICE.password);
    await page.locator('#kc-login').click();
  }
  await page.waitForURL((address) => address.href.startsWith(gateway.url) && comesTo.test(address.pathname));
}

async function signIn(page: Page): Promise<void> {
  await page.goto(`${gateway.url}/auth/sign-in?next=%2Fauth%2Faccount`);
  await signInThere(page, /^\/auth\/account$/);
  expect(await statusIn(page, CURRENT)).toBe(200);
}

/** What Keycloak said of a session holds for half a minute here: so much later the gateway has asked again. */
const ASKED_AGAIN = { timeout: 60_000, interval: 1000 };

test('a day of a user in a browser', async () => {
  const experiment = await createExperiment(admin);
  const made = await admin.post(`${A3}/roles/create`, {
    name: 'data',
    workspace: 'default',
    provider: 'keycloak',
  });
  await admin.post(`${A3}/roles/permissions/add`, {
    ...{
      role_id: made.json.role.id,
      resource_type: 'experiment',
      resource_pattern: experiment,
      permission: 'READ',
    },
  });
  const { page } = await browsers.open(gateway.url);
  const seen = () => statusIn(page, `/ajax-api/2.0/mlflow/experiments/get?experiment_id=${experiment}`);
  await signIn(page);
  expect(await seen()).toBe(200);

  // Removed from the group there.
  const [group] = (await (await keycloak.manage('GET', `/${REALM}/groups`)).json()) as { id: string }[];
  await keycloak.manage('DELETE', `/${REALM}/users/${alice}/groups/${group?.id}`);
  await expect.poll(seen, ASKED_AGAIN).toBe(403);
  expect(await statusIn(page, CURRENT)).toBe(200);

  // Logout here is logout there: to sign in again asks for the password.
  await page.goto(`${gateway.url}/auth/account`);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL(`${gateway.url}/auth/sign-in*`);
  expect(await statusIn(page, CURRENT)).toBe(401);
  await signIn(page);

  // Logout there is logout here.
  await keycloak.manage('POST', `/${REALM}/users/${alice}/logout`);
  await expect.poll(() => statusIn(page, CURRENT)).toBe(401);
  await signIn(page);

  // Disabled there.
  await keycloak.manage('PUT', `/${REALM}/users/${alice}`, { enabled: false });
  await expect.poll(() => statusIn(page, CURRENT), ASKED_AGAIN).toBe(401);
  await keycloak.manage('PUT', `/${REALM}/users/${alice}`, { enabled: true });
});

test('a person at a terminal: login opens the browser, and MLflow’s client is that user until logout', async () => {
  const shell = openShell({ MLFLOW_TRACKING_URI: gateway.url });
  onTestFinished(() => shell.close());
  const opened = join(shell.home, 'opened');
  const browser = join(shell.home, 'browser');
  writeFileSync(browser, `#!/bin/sh\nprintf %s "$1" > '${opened}.new' && mv '${opened}.new' '${opened}'\n`, {
    mode: 0o755,
  });
  const login = shell.type('mlflow-auth-client login', { env: { BROWSER: browser } });
  await expect.poll(() => existsSync(opened)).toBe(true);
  const { page } = await browsers.open(gateway.url);
  await page.goto(readFileSync(opened, 'utf8'));
  await signInThere(page, /^\/auth\/login$/);
  await page.getByRole('button', { name: 'Allow' }).click();
  await page.getByText('You have signed in at the terminal.').waitFor();
  expect((await login).stdout).toContain('as alice, until');
  const said = await runPython(
    NEWEST,
    'import mlflow; print(mlflow.set_experiment("of a person at a terminal").experiment_id)',
    { ...shell.env, MLFLOW_TRACKING_URI: gateway.url },
  );
  expect(said.trim()).toMatch(/\d+$/);
  expect((await shell.type('mlflow-auth-client whoami')).stdout).toContain('alice');
  expect((await shell.type('mlflow-auth-client logout')).stdout).toContain('the token is deleted');
});

test('a program by its token, with a stock client, and no id token', async () => {
  const own = { client_id: 'trainer', client_secret: SECRET };
  const machine = await tokenOf(keycloak.url, REALM, { ...own, grant_type: 'client_credentials' });
  const said = await runPython(
    NEWEST,
    'import mlflow; print(mlflow.set_experiment("of a program of keycloak").experiment_id)',
    { MLFLOW_TRACKING_URI: gateway.url, MLFLOW_TRACKING_TOKEN: machine.access_token },
  );
  expect(said.trim()).toMatch(/\d+$/);
  const { json } = await byToken(gateway.url, machine.access_token).get(`${A2}/users/current`);
  expect(json.user.username).toBe('service-account-trainer');
  const person = await tokenOf(keycloak.url, REALM, {
    ...own,
    ...ALICE,
    grant_type: 'password',
    scope: 'openid',
  });
  const asPerson = await byToken(gateway.url, person.access_token).get(`${A2}/users/current`);
  expect(asPerson.json.user.username).toBe('alice');
  expect((await byToken(gateway.url, person.id_token ?? '').get(`${A2}/users/current`)).status).toBe(401);
});
