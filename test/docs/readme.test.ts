import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { unique } from '../support/gateway.ts';
import { MLFLOW_VERSIONS, runPython, sharedMlflow } from '../support/mlflow.ts';
import { offerPythonPackage } from '../support/python-package.ts';
import { openShell } from '../support/shell.ts';
import { openGateway } from '../support/use-gateway.ts';
import { blocksOf, documentAt } from './blocks.ts';

const README = documentAt('README.md');
const ADDRESS = 'http://127.0.0.1:5000';
const PASSWORD = 'the admin password';
/** MLflow's package takes seconds to start, and a busy machine longer. */
const PATIENCE_MS = 180_000;

/** The lines of a shell in the README that begin so, put together where they go on. */
const typed = (start: string) =>
  README.replaceAll(/ \\\n +/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith(start));

describe.each(MLFLOW_VERSIONS)('README.md in front of MLflow %s', { timeout: PATIENCE_MS }, (version) => {
  beforeAll(async () => void (await sharedMlflow(version)));

  test('what it shows in Python, by command and by curl works one after the other', async () => {
    const { gateway } = await openGateway({ version, settings: { admin_password: PASSWORD } });
    const admin = gateway.as('admin', PASSWORD);
    const env = {
      MLFLOW_TRACKING_URI: gateway.url,
      MLFLOW_TRACKING_USERNAME: 'admin',
      MLFLOW_TRACKING_PASSWORD: PASSWORD,
    };
    const here = (text: string) => text.replaceAll(ADDRESS, gateway.url);

    const offered = offerPythonPackage();
    onTestFinished(() => offered.remove());
    const [script = ''] = blocksOf(README, 'python');
    // Other tests may have made one of this name.
    const experiment = unique('churn');
    const printed = await runPython(version, here(script).replace('"churn"', `"${experiment}"`), {
      ...offered.env,
      ...env,
    });
    expect(printed.trim()).toBe(/ {2}# (.*)$/m.exec(script)?.[1]);

    const answer = await admin.get(`/api/2.0/mlflow/experiments/get-by-name?experiment_name=${experiment}`);
    const id = answer.json.experiment.experiment_id;
    const shell = openShell(env);
    onTestFinished(() => shell.close());
    const [create = '', give = ''] = typed('mlflow-auth-client');
    const [change = ''] = typed('curl');
    expect(await shell.type(create, { stdin: 'a password of bob\n' })).toMatchObject({ code: 0, stderr: '' });
    expect(await shell.type(give.replace(' 1 bob', ` ${id} bob`))).toMatchObject({ code: 0, stderr: '' });
    const asked = here(change).replace('"experiment_id": "1"', `"experiment_id": "${id}"`);
    expect(await shell.type(asked.replace('-u admin', `-sS -u 'admin:${PASSWORD}'`))).toEqual({
      code: 0,
      stdout: '{}',
      stderr: '',
    });
    expect((await admin.get('/api/2.0/mlflow/users')).json.users).toEqual([
      expect.objectContaining({ username: 'admin' }),
      expect.objectContaining({ experiment_permissions: [expect.objectContaining({ permission: 'READ' })] }),
      expect.objectContaining({ experiment_permissions: [expect.objectContaining({ permission: 'EDIT' })] }),
    ]);
  });
});

test.each([
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'clients/python/README.md',
  ...[
    'audit',
    'behaviour',
    'client',
    'credentials',
    'moving-in',
    'operations',
    'performance',
    'permissions',
  ].map((name) => `docs/${name}.md`),
])('%s has nobody fetch a package of these names from a registry, which would be a stranger’s', (name) => {
  const text = documentAt(name);
  expect(text).not.toMatch(/\b(?:npx|npm exec|pnpm dlx|yarn dlx|bunx)\s+(?:-\S+\s+)*@?mlflow/);
  expect(text).not.toMatch(
    /\b(?:npm|pnpm|yarn|pip|pipx|uv)\b[^\n`]*\b(?:install|add|i|run)\s+(?:-\S+\s+)*mlflow[-_]auth/,
  );
});
