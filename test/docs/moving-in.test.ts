import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { temporaryDirectory } from '../store/temporary.ts';
import { MLFLOW_VERSIONS, runPython, sharedMlflow } from '../support/mlflow.ts';
import { openShell } from '../support/shell.ts';
import { openGateway } from '../support/use-gateway.ts';
import { blocksOf, documentAt } from './blocks.ts';

const PAGE = documentAt('docs/moving-in.md');
const PASSWORD = 'a long enough password';
const CURRENT = '/api/2.0/mlflow/users/current';
/** MLflow's package takes seconds to start, and a busy machine longer. */
const PATIENCE_MS = 180_000;

async function start(version: string) {
  const { gateway } = await openGateway({ version, settings: { admin_password: PASSWORD } });
  return gateway;
}

describe.each(MLFLOW_VERSIONS)(
  'docs/moving-in.md in front of MLflow %s',
  { timeout: PATIENCE_MS },
  (version) => {
    beforeAll(async () => void (await sharedMlflow(version)));

    test('the script of those who had basic-auth in compose shows each user their own experiments', async () => {
      const gateway = await start(version);
      const [script = ''] = blocksOf(PAGE, 'python');
      const said = [...script.matchAll(/^# (\[.*\])$/gm)].map(([, line]) => line);
      expect(said).toHaveLength(2);
      const printed = await runPython(version, script.replaceAll('http://127.0.0.1:5000', gateway.url));
      expect(printed.split('\n').filter((line) => line.startsWith('['))).toEqual(said);
    });
  },
);

test('those who had a password file in nginx get their users and a role for what is there', async () => {
  const gateway = await start(MLFLOW_VERSIONS[0] ?? '');
  const shell = openShell({
    MLFLOW_TRACKING_URI: gateway.url,
    MLFLOW_TRACKING_USERNAME: 'admin',
    MLFLOW_TRACKING_PASSWORD: PASSWORD,
  });
  onTestFinished(() => shell.close());
  const file = join(temporaryDirectory(), '.htpasswd');
  writeFileSync(file, 'alice:$apr1$Zm9v$abc\nbob:$2y$05$abc\n');
  const [users = '', roles = ''] = blocksOf(PAGE, 'sh');

  const made = await shell.type(users.replace('/etc/nginx/.htpasswd', file));
  expect(made).toMatchObject({ code: 0, stderr: '' });
  const lines = made.stdout.trim().split('\n');
  expect(lines.map((line) => line.split(' ')[0])).toEqual(['alice', 'bob']);
  for (const line of lines) {
    const [name = '', password = ''] = line.split(' ');
    expect((await gateway.as(name, password).get(CURRENT)).status).toBe(200);
  }

  expect(await shell.type(roles)).toMatchObject({ code: 0, stderr: '' });
  const held = await shell.type('mlflow-auth-client list-permissions --user alice to-json');
  expect(
    held.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual(
    ['experiment', 'registered_model'].map((resource_type) =>
      expect.objectContaining({
        resource_type,
        resource_pattern: '*',
        permission: 'EDIT',
        role_name: 'team',
      }),
    ),
  );
});

test('every page that it leads to is there', () => {
  const anchors = new Set(
    [...PAGE.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
  const links = [...PAGE.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor);
  expect(links.length).toBeGreaterThan(4);
  expect(links.filter((anchor) => !anchors.has(anchor ?? ''))).toEqual([]);
});
