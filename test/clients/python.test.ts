import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { upstreamEnvironment } from '../../src/cli/start/upstream-environment.ts';
import { isMlflow2, MLFLOW_VERSIONS, pythonOf } from '../support/mlflow.ts';
import { offerPythonPackage, PYTHON_PACKAGE } from '../support/python-package.ts';
import { useGateway } from '../support/use-gateway.ts';

/** Importing MLflow alone takes seconds, and a busy machine longer. */
const PATIENCE_MS = 180_000;

const CLASSIC = ['experiment', 'registered_model'].flatMap((noun) =>
  ['create', 'get', 'update', 'delete'].map((verb) => `${verb}_${noun}_permission`),
);

const TOKENS = [
  ...['create_token', 'list_tokens', 'rotate_token', 'delete_token'],
  ...['list_sessions', 'delete_session'],
  'list_reported_refusals',
  ...['request_access', 'list_access_requests', 'list_own_access_requests'],
  ...['answer_access_request', 'withdraw_access_request', 'list_sign_ins', 'list_providers'],
  ...['share_with_role', 'unshare_with_role'],
  ...['link_user', 'unlink_user', 'list_identities'],
  ...['invite_user', 'reset_password_by_link', 'list_invitations', 'revoke_invitation'],
];

let offered: ReturnType<typeof offerPythonPackage>;

beforeAll(() => {
  offered = offerPythonPackage();
});
afterAll(() => offered.remove());

/** Runs the Python of a version, with the package; answers what it printed. */
async function python(
  version: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return promisify(execFile)(pythonOf(version), args, {
    env: {
      ...upstreamEnvironment(process.env),
      ...offered.env,
      PYTHONDONTWRITEBYTECODE: '1',
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
      ...env,
    },
    cwd: PYTHON_PACKAGE,
    timeout: PATIENCE_MS,
  });
}

describe.each(MLFLOW_VERSIONS)('with the mlflow package %s', { timeout: PATIENCE_MS }, (version) => {
  const { gateway } = useGateway({
    version,
    settings: { oidc: { corp: { issuer: 'https://sso.example.com', audience: 'mlflow' } } },
  });

  const everyMethod = async (app: string): Promise<string[]> => {
    const { stdout } = await python(version, [join(import.meta.dirname, 'every_method.py')], {
      APP: app,
      MLFLOW_TRACKING_URI: gateway.url,
      MLFLOW_TRACKING_USERNAME: gateway.admin.username,
      MLFLOW_TRACKING_PASSWORD: gateway.admin.password,
    });
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  };

  test('the package passes its own tests', async () => {
    const { stderr } = await python(version, ['-m', 'unittest', 'discover', '-s', 'tests']);
    const ran = Number(/^Ran (\d+) tests? in/m.exec(stderr)?.[1]);
    expect(ran).toBeGreaterThan(10);
    expect(stderr).toMatch(isMlflow2(version) ? /^OK \(skipped=1\)$/m : /^OK$/m);
  });

  test('every method of get_app_client("mlflow-auth") and of MLflow’s own "basic-auth" works', async () => {
    const [ours, stock] = await Promise.all([everyMethod('mlflow-auth'), everyMethod('basic-auth')]);
    expect(stock).toEqual(expect.arrayContaining(isMlflow2(version) ? CLASSIC : ['create_role']));
    expect(ours.toSorted()).toEqual([...new Set([...stock, ...CLASSIC, ...TOKENS, 'list_users'])].toSorted());
  });
});
