import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Asked, type FakeServer, startFake } from '../cli/client/fake-server.ts';
import { writeCertificates } from '../support/certificates.ts';
import { MLFLOW_VERSIONS, runPython } from '../support/mlflow.ts';
import { openShell, type Shell } from '../support/shell.ts';

const FILE = '[mlflow]\nmlflow_tracking_username = file-user\nmlflow_tracking_password = file p%%ss;#\n';
const BOTH = { MLFLOW_TRACKING_USERNAME: 'env-user', MLFLOW_TRACKING_PASSWORD: 'env:pass' };
const TOKEN = { MLFLOW_TRACKING_TOKEN: 'env-token' };
const SERVER_CERT = 'MLFLOW_TRACKING_SERVER_CERT_PATH';
const CLIENT_CERT = 'MLFLOW_TRACKING_CLIENT_CERT_PATH';
const INSECURE = 'MLFLOW_TRACKING_INSECURE_TLS';

interface Case {
  readonly what: string;
  /** Of a path `DIR/…`, DIR is where the certificates are. */
  readonly env: Readonly<Record<string, string>>;
  readonly file?: string;
  /** The server wants to see the client's certificate. */
  readonly mutual?: boolean;
}

/** What the command and MLflow's own clients are both run with. */
const CASES: readonly Case[] = [
  { what: 'nothing', env: {} },
  { what: 'user and password', env: BOTH },
  { what: 'the file', env: {}, file: FILE },
  { what: 'the environment before the file', env: BOTH, file: FILE },
  {
    what: 'a user of the environment, a password of the file',
    env: { MLFLOW_TRACKING_USERNAME: 'u' },
    file: FILE,
  },
  {
    what: 'a password of the environment, a user of the file',
    env: { MLFLOW_TRACKING_PASSWORD: 'p' },
    file: FILE,
  },
  { what: 'a token', env: TOKEN },
  { what: 'user and password before a token', env: { ...TOKEN, ...BOTH } },
  { what: 'the file before a token', env: TOKEN, file: FILE },
  { what: 'a token before half a pair', env: { ...TOKEN, MLFLOW_TRACKING_USERNAME: 'u' } },
  { what: 'a file without the section', env: TOKEN, file: '[other]\nmlflow_tracking_username = a\n' },
  { what: 'letters beyond ASCII', env: { ...BOTH, MLFLOW_TRACKING_PASSWORD: 'pä:ß€' } },
  { what: 'an authority that is not named', env: { ...BOTH, [SERVER_CERT]: '' } },
  { what: 'another authority', env: { ...BOTH, [SERVER_CERT]: 'DIR/other.pem' } },
  { what: 'no check', env: { ...BOTH, [SERVER_CERT]: '', [INSECURE]: 'true' } },
  { what: 'no check, as 1', env: { [SERVER_CERT]: '', [INSECURE]: '1' } },
  { what: 'a check after all', env: { [INSECURE]: 'false' } },
  { what: 'a check that is not named', env: { [SERVER_CERT]: '', [INSECURE]: 'False' } },
  { what: 'both settings of a check', env: { [INSECURE]: 'true' } },
  { what: 'the bundle of requests', env: { [SERVER_CERT]: '', REQUESTS_CA_BUNDLE: 'DIR/ca.pem' } },
  { what: 'the bundle of curl', env: { [SERVER_CERT]: '', CURL_CA_BUNDLE: 'DIR/ca.pem' } },
  { what: 'a server that wants a certificate', env: {}, mutual: true },
  { what: 'a certificate that is wanted', env: { [CLIENT_CERT]: 'DIR/client.pem' }, mutual: true },
];

/** Signs in with each case's environment; prints what the server was sent, null for no answer. */
const CLIENT = `
import json, os, sys
from mlflow.server.auth.client import AuthServiceClient
import urllib3
urllib3.disable_warnings()

for case in json.loads(os.environ["CASES"]):
    for name in case["env"]:
        os.environ[name] = case["env"][name]
        if case["env"][name] == "":
            del os.environ[name]
    try:
        print(json.dumps(AuthServiceClient(case["uri"]).get_user("x").username))
    except Exception:
        print("null")
    for name in case["env"]:
        os.environ.pop(name, None)
`;

let dir: string;
let shell: Shell;
const servers: FakeServer[] = [];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'client-settings-'));
  writeCertificates(dir);
  shell = openShell();
  const echo = ({ authorization = 'nobody' }: Asked) => {
    const user = { id: 1, username: authorization, is_admin: false };
    return [
      200,
      { user: { ...user, experiment_permissions: [], registered_model_permissions: [] } },
    ] as const;
  };
  const tls = { cert: readFileSync(join(dir, 'server.pem')), key: readFileSync(join(dir, 'server.key')) };
  const wanted = { requestCert: true, rejectUnauthorized: true, ca: readFileSync(join(dir, 'ca.pem')) };
  for (const more of [{}, wanted]) {
    servers.push(await startFake({ 'GET /api/2.0/mlflow/users/get': echo }, { ...tls, ...more }));
  }
});
afterAll(async () => {
  shell.close();
  rmSync(dir, { recursive: true, force: true });
  for (const server of servers) {
    await server.stop();
  }
});

/** A case with everything that it needs in place: a home with the file, full paths, the authority unless said otherwise. */
function prepare({ env, file, mutual }: Case, index: number) {
  const home = join(dir, `home-${index}`);
  mkdirSync(join(home, '.mlflow'), { recursive: true });
  if (file !== undefined) {
    writeFileSync(join(home, '.mlflow/credentials'), file);
  }
  const paths = Object.entries({ [SERVER_CERT]: 'DIR/ca.pem', ...env }).map(
    ([name, value]) => [name, value.replace('DIR', dir)] as const,
  );
  return {
    uri: servers[mutual === true ? 1 : 0]?.uri ?? '',
    env: { HOME: home, ...Object.fromEntries(paths) },
  };
}

const told: Record<string, unknown[]> = {};
beforeAll(async () => {
  const cases = CASES.map(prepare);
  for (const version of MLFLOW_VERSIONS) {
    const printed = await runPython(version, CLIENT, {
      CASES: JSON.stringify(cases),
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
    });
    told[version] = printed
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
  }
});

test.each(CASES.map((each, index) => [each.what, each, index] as const))(
  'with %s the command does what MLflow’s own clients do',
  async (_, each, index) => {
    const { uri, env } = prepare(each, index);
    const { code, stdout } = await shell.type('mlflow-auth-client get-user x to-json', {
      env: { ...env, MLFLOW_TRACKING_URI: uri },
    });
    const ours = code === 0 ? (JSON.parse(stdout) as { username: unknown }).username : null;
    for (const version of MLFLOW_VERSIONS) {
      expect(ours, version).toBe(told[version]?.[index]);
    }
  },
);

test('the cases differ: some get in with credentials, some without, some not at all', () => {
  const [answers = []] = Object.values(told);
  expect(
    new Set(
      answers.map((answer) => (answer === null ? 'none' : answer === 'nobody' ? 'nobody' : 'somebody')),
    ),
  ).toEqual(new Set(['none', 'nobody', 'somebody']));
});
