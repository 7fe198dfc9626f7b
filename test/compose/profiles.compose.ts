/**
 * Brings every way of docker-compose.yaml up on a real Docker daemon and works with it: the smoke script, the stock
 * client, a restart, a new image, a backup that is put back into an empty deployment.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeCertificates } from '../support/certificates.ts';
import { pythonOf, STARTED } from '../support/mlflow.ts';
import { buildImages, createProject, docker, type Project } from './project.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const PASSWORD = 'the-first-administrator';
const POSTGRESQL = 'deploy/compose/postgresql.yaml';
const certificates = mkdtempSync(join(tmpdir(), 'compose-tls-'));

const PROFILES = [
  { name: 'sqlite', scheme: 'http', port: '5911', added: [] },
  { name: 'postgresql', scheme: 'http', port: '5912', added: [POSTGRESQL] },
  { name: 'tls', scheme: 'https', port: '5913', added: [POSTGRESQL, 'deploy/compose/tls.yaml'] },
] as const;

/** What is left behind by one deployment and looked for in the next. */
const LEAVE = `
import mlflow
from mlflow import MlflowClient
mlflow.set_experiment("kept")
with mlflow.start_run() as run:
    mlflow.log_metric("loss", 0.5)
    mlflow.log_text("kept", "note.txt")
MlflowClient().create_registered_model("kept")
`;
const FIND = `
import mlflow
from mlflow import MlflowClient
client = MlflowClient()
experiment = client.get_experiment_by_name("kept")
[run] = client.search_runs([experiment.experiment_id])
assert run.data.metrics == {"loss": 0.5}, run.data.metrics
assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/note.txt") == "kept"
assert client.get_registered_model("kept").name == "kept"
`;

beforeAll(() => {
  buildImages();
  writeCertificates(certificates);
  for (const [from, to] of [
    ['server.pem', 'cert.pem'],
    ['server.key', 'key.pem'],
  ] as const) {
    execFileSync('cp', [join(certificates, from), join(certificates, to)]);
    chmodSync(join(certificates, to), 0o644);
  }
  chmodSync(certificates, 0o755);
});
afterAll(() => rmSync(certificates, { recursive: true }));

describe.each(PROFILES)('$name', ({ name, scheme, port, added }) => {
  const url = `${scheme}://localhost:${port}`;
  const options = {
    name: `gatewaytest${name}`,
    files: ['docker-compose.yaml', ...added],
    env: {
      MLFLOW_AUTH_ADMIN_PASSWORD: PASSWORD,
      POSTGRES_PASSWORD: 'superuser1',
      MLFLOW_DB_PASSWORD: 'mlflow2',
      GATEWAY_DB_PASSWORD: 'gateway3',
      GATEWAY_PORT: port,
      TLS_DIRECTORY: certificates,
    },
  };
  let project: Project;

  const as = (username: string, password: string) => ({
    PATH: process.env['PATH'],
    MLFLOW_TRACKING_URI: url,
    MLFLOW_TRACKING_USERNAME: username,
    MLFLOW_TRACKING_PASSWORD: password,
    MLFLOW_TRACKING_SERVER_CERT_PATH: scheme === 'https' ? join(certificates, 'ca.pem') : undefined,
    CURL_CA_BUNDLE: scheme === 'https' ? join(certificates, 'ca.pem') : undefined,
  });
  const admin = as('admin', PASSWORD);
  const ann = as('ann', 'ann has a long password');
  const smoke = () =>
    execFileSync(join(REPOSITORY, 'deploy/smoke.sh'), [url], { env: admin, encoding: 'utf8' });
  const python = (script: string, env = ann) =>
    execFileSync(pythonOf(STARTED), ['-c', script], { env, encoding: 'utf8' });

  beforeAll(async () => {
    project = createProject(options);
    project.destroy();
    project = createProject(options);
    await project.up();
  });
  afterAll(() => project.destroy());

  test('the smoke script and the stock client work', () => {
    expect(smoke()).toContain('All is well.');
    python(
      `
from mlflow.server import get_app_client
get_app_client("basic-auth", tracking_uri="${url}").create_user("ann", "ann has a long password")
`,
      admin,
    );
    python(LEAVE);
    python(FIND);
  });

  test('nothing but the gateway publishes a port, and MLflow runs as nobody, without rights and without a way out', () => {
    const ports = project
      .compose('ps', '-q')
      .trim()
      .split('\n')
      .map((id) => docker('port', id).trim())
      .filter(Boolean);
    expect(ports).toEqual([`5000/tcp -> 127.0.0.1:${port}`]);
    expect(project.exec('mlflow', ['id', '-u']).trim()).toBe('10001');
    expect(project.exec('mlflow', ['grep', 'CapEff', '/proc/1/status'])).toMatch(/0{16}/);
    expect(() => project.exec('mlflow', ['touch', '/x'])).toThrow(/Read-only/);
    const reach = "import socket; socket.create_connection(('192.0.2.1', 80), 3)";
    expect(() => project.exec('mlflow', ['python', '-c', reach])).toThrow(/unreachable|timed out/);
  });

  test.skipIf(!added.some((file) => file === POSTGRESQL))(
    'the gateway’s database is closed to MLflow’s user, and the other way round',
    () => {
      const enter = (user: string, password: string, database: string) =>
        project.exec('postgres', [
          'env',
          `PGPASSWORD=${password}`,
          'psql',
          '-h',
          '127.0.0.1',
          '-U',
          user,
          '-d',
          database,
          '-tc',
          'select 42',
        ]);
      expect(enter('gateway', 'gateway3', 'gateway').trim()).toBe('42');
      expect(() => enter('mlflow', 'mlflow2', 'gateway')).toThrow(/permission denied/);
      expect(() => enter('gateway', 'gateway3', 'mlflow')).toThrow(/permission denied/);
    },
  );

  test('everything is there after a restart, and after the containers were made anew', async () => {
    project.compose('restart');
    await project.up();
    python(FIND);
    project.compose('up', '-d', '--force-recreate');
    await project.up();
    python(FIND);
  });

  test('a backup is put back into an empty deployment', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'compose-backup-'));
    const [store, files] = [join(dir, 'gateway.db'), join(dir, 'mlflow')];
    project.exec('gateway', ['mlflow-auth-gateway', 'backup', '/data/copy.db']);
    docker('cp', `${project.compose('ps', '-q', 'gateway').trim()}:/data/copy.db`, store);
    const dump = added.some((file) => file === POSTGRESQL)
      ? project.exec('postgres', [
          'env',
          'PGPASSWORD=mlflow2',
          'pg_dump',
          '-h',
          '127.0.0.1',
          '-U',
          'mlflow',
          'mlflow',
        ])
      : undefined;
    project.compose('stop', 'gateway', 'mlflow');
    docker('cp', `${containerOf('mlflow')}:/mlflow`, files);

    project.compose('down', '-v');
    project.compose('up', '--no-start');
    // As the manual has it: while neither runs.
    const image = 'mlflow-auth-gateway:0.1.0';
    const into = (volume: string, from: string, shell: string, owner: string) =>
      docker(
        'run',
        '--rm',
        '-u',
        '0',
        '-v',
        `${options.name}_${volume}:/to`,
        '-v',
        `${from}:/from:ro`,
        image,
        'sh',
        '-c',
        `${shell} && chown -R ${owner} /to`,
      );
    into('gateway', dir, 'cp /from/gateway.db /to/gateway.db', '1000:1000');
    into('mlflow', files, 'cp -a /from/. /to/', '10001:10001');
    if (dump !== undefined) {
      project.compose('up', '-d', 'postgres');
      await project.waitFor('postgres');
      project.exec(
        'postgres',
        ['env', 'PGPASSWORD=mlflow2', 'psql', '-q', '-h', '127.0.0.1', '-U', 'mlflow', '-d', 'mlflow'],
        dump,
      );
    }
    await project.up();
    python(FIND);
    expect(smoke()).toContain('All is well.');
    rmSync(dir, { recursive: true });
  });

  function containerOf(service: string): string {
    return docker(
      'ps',
      '-aq',
      '--filter',
      `label=com.docker.compose.project=${options.name}`,
      '--filter',
      `label=com.docker.compose.service=${service}`,
    ).trim();
  }
});
