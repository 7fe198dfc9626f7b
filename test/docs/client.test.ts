import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { COMMANDS } from '../../src/cli/client/commands.ts';
import { createExperiment, type Person } from '../support/gateway.ts';
import { MLFLOW_VERSIONS, runPython, sharedMlflow } from '../support/mlflow.ts';
import { offerPythonPackage } from '../support/python-package.ts';
import { openShell } from '../support/shell.ts';
import { openGateway } from '../support/use-gateway.ts';
import { blocksOf, documentAt } from './blocks.ts';

const PAGE = documentAt('docs/client.md');
const ADDRESS = 'https://mlflow.example.com';
const PASSWORD = 'the admin password';
/** Stands between the outputs of two commands. */
const NEXT = '--- next ---';

/** The commands of the page, in order, each with what it is said to answer. */
const EXAMPLES = blocksOf(PAGE, 'console').flatMap((block) =>
  block.split(/^\$ /m).flatMap((example) => {
    const [command = '', ...output] = example.split('\n');
    return command === '' ? [] : [{ command, output: output.join('\n') }];
  }),
);

/** Creates experiment 7, whose id MLflow counts up to, a model and a prompt, at a gateway of which the page says nothing. */
async function createWhatThePageNames(admin: Person): Promise<void> {
  for (const name of ['churn', 'greeting']) {
    // Another test may have made it.
    await admin.post('/api/2.0/mlflow/registered-models/create', { name });
  }
  while (Number(await createExperiment(admin)) < 7) {}
}

/** The whole page, with a start of MLflow's package or two, on a machine that may have other work. */
const PATIENCE_MS = 180_000;

describe.each(MLFLOW_VERSIONS)('in front of MLflow %s', { timeout: PATIENCE_MS }, (version) => {
  beforeAll(async () => void (await sharedMlflow(version)));

  /** A gateway of which nothing is known but the administrator of the page. */
  async function start() {
    const { gateway } = await openGateway({ version, settings: { admin_password: PASSWORD } });
    return { url: gateway.url, admin: gateway.as('admin', PASSWORD) };
  }

  test('every command of docs/client.md answers what stands below it', async () => {
    await createWhatThePageNames((await start()).admin);
    const { url } = await start();
    const shell = openShell();
    // One shell for all, so that what is exported stays.
    const script = EXAMPLES.map(
      ({ command }) => `{ ${command.replaceAll(ADDRESS, url)}\n} 2>&1\necho '${NEXT}'`,
    );
    const { stdout } = await shell.type(script.join('\n'));
    shell.close();
    const answers = stdout.split(`${NEXT}\n`);
    // When a user was made is another moment each time, and so is all about a token.
    const timeless = (output: string | undefined) =>
      output
        ?.replaceAll(/"created_at":\d+/g, '"created_at":0')
        .replaceAll(/\d{4}(?:-\d\d){2}T(?:\d\d:){2}\d\dZ/g, 'MOMENT')
        .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'TOKEN_ID')
        .replaceAll(/mlag_[0-9A-Za-z]{4}/g, 'BEGINS');
    expect(EXAMPLES.map(({ command }, index) => ({ command, output: timeless(answers[index]) }))).toEqual(
      EXAMPLES.map(({ command, output }) => ({ command, output: timeless(output) })),
    );
    expect(EXAMPLES.length).toBeGreaterThan(20);
  });

  test.each([
    // The page has created her by then.
    ['docs/client.md', ['alice']],
    ['clients/python/README.md', []],
  ])('the Python of %s runs and prints what it says', async (name, users) => {
    const { url, admin } = await start();
    for (const username of users) {
      await admin.post('/api/2.0/mlflow/users/create', { username, password: 'a long enough password' });
    }
    const [script = ''] = blocksOf(documentAt(name), 'python');
    expect(script).toContain('get_app_client("mlflow-auth"');
    const said = [...script.matchAll(/ {2}# (.*)$/gm)].map(([, output]) => output);
    const offered = offerPythonPackage();
    onTestFinished(() => offered.remove());
    const printed = await runPython(version, script.replaceAll(ADDRESS, url), {
      ...offered.env,
      MLFLOW_TRACKING_USERNAME: 'admin',
      MLFLOW_TRACKING_PASSWORD: PASSWORD,
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
    });
    expect(printed.trim().split('\n')).toEqual(said);
  });
});

test('the table of commands is the one of the program', () => {
  const rows = [...PAGE.matchAll(/^\| `([a-z-]+)(?: .*)?` \| (.*) \|$/gm)].map(([, name, does]) => ({
    name,
    does,
  }));
  expect(rows).toEqual(COMMANDS.map(({ name, does }) => ({ name, does })));
});
