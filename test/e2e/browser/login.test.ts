/** `mlflow-auth-client login`, as it was built, with a real browser and MLflow's own client after it. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Browsers, installBrowsers, type Seat, signIn } from '../../support/browser.ts';
import { NEWEST, runPython } from '../../support/mlflow.ts';
import { openShell, type Shell } from '../../support/shell.ts';
import { useGateway } from '../../support/use-gateway.ts';

let browsers: Browsers;
const { gateway } = useGateway({ version: NEWEST });
beforeAll(async () => {
  browsers = await installBrowsers();
});
afterAll(() => browsers.close());

/** A shell in which what opens a browser writes down where. */
function shellWithBrowser(): Shell & { opened(): Promise<string> } {
  const shell = openShell();
  onTestFinished(() => shell.close());
  const [program, place] = [join(shell.home, 'browser'), join(shell.home, 'opened')];
  writeFileSync(program, `#!/bin/sh\nprintf %s "$1" > '${place}.new' && mv '${place}.new' '${place}'\n`);
  chmodSync(program, 0o755);
  return {
    ...shell,
    type: (line, options = {}) =>
      shell.type(line, { ...options, env: { BROWSER: program, MLFLOW_TRACKING_URI: gateway.url } }),
    async opened() {
      await expect.poll(() => existsSync(place), { timeout: 20_000 }).toBe(true);
      return readFileSync(place, 'utf8');
    },
  };
}

/** Whom the gateway takes MLflow's own client for. */
const PRINT_USER = `
from mlflow.tracking._tracking_service.utils import _get_store
from mlflow.utils.rest_utils import http_request
print(http_request(_get_store().get_host_creds(), "/api/2.0/mlflow/users/current", "GET").json()["user"]["username"])
`;

async function isAllowed({ page }: Seat): Promise<void> {
  await page.getByRole('heading', { name: 'Let a program sign in?' }).waitFor();
  expect(await page.locator('dl').innerText()).toContain('login on ');
  await page.getByRole('button', { name: 'Allow' }).click();
}

test('one signs in on the page, allows it, and MLflow’s client is that user; logout ends it', async () => {
  const alice = await gateway.person('alice');
  const shell = shellWithBrowser();
  const login = shell.type('mlflow-auth-client login');
  const seat = await browsers.open(gateway.url);
  await seat.page.goto(await shell.opened());
  await signIn(seat.page, alice);
  await isAllowed(seat);
  await seat.page.getByText('You have signed in at the terminal. You may close this window.').waitFor();
  expect(new URL(seat.page.url()).hostname).toBe('127.0.0.1');
  const { code, stdout } = await login;
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringContaining(`as ${alice.username}, until`),
  });

  const env = { ...shell.env, MLFLOW_TRACKING_URI: gateway.url };
  expect((await runPython(NEWEST, PRINT_USER, env)).trim().split('\n').at(-1)).toBe(alice.username);

  expect((await shell.type('mlflow-auth-client logout')).code).toBe(0);
  expect((await shell.type('mlflow-auth-client whoami')).stderr).toContain('mlflow-auth-client login');
});

test('where the browser is elsewhere, the code is copied', async () => {
  const alice = await gateway.person('alice');
  const shell = shellWithBrowser();
  const seat = await browsers.open(gateway.url, alice);
  // What is typed comes through a pipe, once the page has shown it.
  const login = shell.type(
    'mkfifo codes; mlflow-auth-client login --no-browser --print < codes 2> said & exec 3> codes; while [ ! -s code ]; do sleep 0.1; done; cat code >&3; exec 3>&-; wait $!',
  );
  const said = join(shell.home, 'said');
  await expect
    .poll(() => existsSync(said) && readFileSync(said, 'utf8'), { timeout: 20_000 })
    .toMatch(/http\S+\n/);
  const [address = ''] = /http\S+/.exec(readFileSync(said, 'utf8')) ?? [];
  await seat.page.goto(address);
  await isAllowed(seat);
  const code = await seat.page.locator('code.whole').innerText();
  expect(await seat.page.evaluate("getComputedStyle(document.querySelector('code.whole')).userSelect")).toBe(
    'all',
  );
  expect(await seat.page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  writeFileSync(join(shell.home, 'code'), `${code}\n`);
  const { stdout } = await login;
  const secret = stdout.trim();
  expect(secret).toMatch(/^mlag_/);
  const env = { ...shell.env, MLFLOW_TRACKING_URI: gateway.url, MLFLOW_TRACKING_TOKEN: secret };
  expect(
    await runPython(NEWEST, 'import mlflow; print(mlflow.MlflowClient().search_experiments())', env),
  ).toContain('[');
});
