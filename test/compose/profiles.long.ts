/**
 * Brings every way of docker-compose.yaml up on a real Docker daemon and works with it: the smoke script, the stock
 * client, a restart, an upgrade of MLflow and of the gateway, a backup that is put back into an empty deployment.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeCertificates } from '../support/certificates.ts';
import { freePort } from '../support/free-port.ts';
import { pythonOf, STARTED } from '../support/mlflow.ts';
import { buildGateway, buildMlflow, createProject, docker, type Project } from './project.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const PASSWORD = 'thefirstadministrator';
const POSTGRESQL = 'deploy/compose/postgresql.yaml';
/** What is upgraded, to {@link STARTED}: its database needs more than new code. */
const OLDER = '3.10.1';
const NEWER_GATEWAY = 'mlflow-auth-gateway:upgraded';
const dir = mkdtempSync(join(tmpdir(), 'compose-test-'));

const PROFILES = [
  { name: 'sqlite', scheme: 'http', added: [] },
  { name: 'postgresql', scheme: 'http', added: [POSTGRESQL] },
  { name: 'tls', scheme: 'https', added: [POSTGRESQL, 'deploy/compose/tls.yaml'] },
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
  buildGateway('mlflow-auth-gateway:0.1.0');
  docker('tag', 'mlflow-auth-gateway:0.1.0', NEWER_GATEWAY);
  buildMlflow(OLDER);
  buildMlflow(STARTED);
  writeCertificates(dir);
  for (const [from, to] of [
    ['server.pem', 'cert.pem'],
    ['server.key', 'key.pem'],
  ] as const) {
    copyFileSync(join(dir, from), join(dir, to));
    chmodSync(join(dir, to), 0o644);
  }
  chmodSync(dir, 0o755);
});
afterAll(() => rmSync(dir, { recursive: true }));

test.each([
  ['docker-compose.yaml', 'MLFLOW_AUTH_ADMIN_PASSWORD'],
  [`docker-compose.yaml:${POSTGRESQL}`, 'POSTGRES_PASSWORD'],
])('%s is not even read while .env names no password', (files, missing) => {
  const project = createProject('gatewaytestunset');
  project.set({
    COMPOSE_FILE: files,
    ...(missing !== 'MLFLOW_AUTH_ADMIN_PASSWORD' && { MLFLOW_AUTH_ADMIN_PASSWORD: PASSWORD }),
  });
  expect(() => project.compose('config')).toThrow(new RegExp(`${missing}.*set it in .env`, 's'));
  project.remove();
});

describe.each(PROFILES)('$name', ({ name, scheme, added }) => {
  const onPostgresql = added.some((file) => file === POSTGRESQL);
  let project: Project;
  let settings: Record<string, string>;
  let url: string;

  const as = (username: string, password: string) => ({
    PATH: process.env['PATH'],
    MLFLOW_TRACKING_URI: url,
    MLFLOW_TRACKING_USERNAME: username,
    MLFLOW_TRACKING_PASSWORD: password,
    ...(scheme === 'https' && {
      MLFLOW_TRACKING_SERVER_CERT_PATH: join(dir, 'ca.pem'),
      CURL_CA_BUNDLE: join(dir, 'ca.pem'),
    }),
  });
  const smoke = () =>
    execFileSync(join(REPOSITORY, 'deploy/smoke.sh'), [url], {
      env: as('admin', PASSWORD),
      encoding: 'utf8',
      stdio: 'pipe',
    });
  const python = (script: string, env = as('ann', 'ann has a long password')) =>
    execFileSync(pythonOf(STARTED), ['-c', script], { env, encoding: 'utf8', stdio: 'pipe' });

  beforeAll(async () => {
    const port = String(await freePort());
    url = `${scheme}://localhost:${port}`;
    settings = {
      COMPOSE_FILE: ['docker-compose.yaml', ...added].join(':'),
      MLFLOW_AUTH_ADMIN_PASSWORD: PASSWORD,
      MLFLOW_IMAGE: `ghcr.io/mlflow/mlflow:v${OLDER}`,
      GATEWAY_PORT: port,
      ...(onPostgresql && {
        POSTGRES_PASSWORD: 'superuser1',
        MLFLOW_DB_PASSWORD: 'mlflow2',
        GATEWAY_DB_PASSWORD: 'gateway3',
        MLFLOW_POSTGRESQL_IMAGE: `mlflow-postgresql:v${OLDER}`,
      }),
      ...(scheme === 'https' && { TLS_DIRECTORY: dir }),
    };
    project = createProject(`gatewaytest${name}`);
    project.set(settings);
    project.down();
    await project.up();
  });
  afterAll(() => {
    project.down();
    project.remove();
  });

  test('the smoke script and the stock client work', () => {
    expect(smoke()).toContain('All is well.');
    python(
      `
from mlflow.server import get_app_client
get_app_client("basic-auth", tracking_uri="${url}").create_user("ann", "ann has a long password")
`,
      as('admin', PASSWORD),
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
    expect(ports).toEqual([`5000/tcp -> 127.0.0.1:${settings['GATEWAY_PORT']}`]);
    expect(project.exec('mlflow', 'id', '-u').trim()).toBe('10001');
    expect(project.exec('mlflow', 'grep', 'CapEff', '/proc/1/status')).toMatch(/0{16}/);
    expect(() => project.exec('mlflow', 'touch', '/x')).toThrow(/Read-only/);
    const reach = "import socket; socket.create_connection(('192.0.2.1', 80), 3)";
    expect(() => project.exec('mlflow', 'python', '-c', reach)).toThrow(/unreachable|timed out/);
  });

  test('the gateway runs as nobody, without rights, and its image has no package manager', () => {
    expect(project.exec('gateway', 'id', '-u').trim()).toBe('1000');
    expect(project.exec('gateway', 'grep', 'CapEff', '/proc/1/status')).toMatch(/0{16}/);
    expect(() => project.exec('gateway', 'touch', '/app/x')).toThrow(/Read-only/);
    const search = 'command -v npm npx yarn corepack || find / -xdev -type f -perm /6000 2>/dev/null || true';
    expect(project.exec('gateway', 'sh', '-c', search)).toBe('');
  });

  test.runIf(onPostgresql)('each of the databases is closed to the user of the other', () => {
    const enter = (user: string, password: string, database: string) => {
      const query = ['psql', '-h', '127.0.0.1', '-U', user, '-d', database, '-Atc', 'select 42'];
      return project.exec('postgres', 'env', `PGPASSWORD=${password}`, ...query).trim();
    };
    expect(enter('gateway', 'gateway3', 'gateway')).toBe('42');
    expect(() => enter('mlflow', 'mlflow2', 'gateway')).toThrow(/permission denied/);
    expect(() => enter('gateway', 'gateway3', 'mlflow')).toThrow(/permission denied/);
    const tables = 'select count(*) from pg_tables where tablename = $$users$$';
    const query = ['psql', '-h', '127.0.0.1', '-U', 'gateway', '-d', 'gateway', '-Atc', tables];
    expect(project.exec('postgres', 'env', 'PGPASSWORD=gateway3', ...query).trim()).toBe('1');
  });

  test('everything is there after a restart, and after the containers were made anew', async () => {
    project.compose('restart');
    await project.up();
    python(FIND);
    await project.up('--force-recreate');
    python(FIND);
  });

  test('everything is there after an upgrade of MLflow and of the gateway, as the manual has it', async () => {
    settings = {
      ...settings,
      MLFLOW_IMAGE: `ghcr.io/mlflow/mlflow:v${STARTED}`,
      GATEWAY_IMAGE: NEWER_GATEWAY,
      ...(onPostgresql && { MLFLOW_POSTGRESQL_IMAGE: `mlflow-postgresql:v${STARTED}` }),
    };
    project.set(settings);
    project.compose('stop', 'mlflow');
    const upgrade = 'mlflow db upgrade "$MLFLOW_BACKEND_STORE_URI"';
    project.compose('run', '--rm', '-T', 'mlflow', 'sh', '-c', upgrade);
    await project.up();
    expect(project.exec('mlflow', 'mlflow', '--version')).toContain(STARTED);
    python(FIND);
  });

  test('a backup is put back into an empty deployment, and into no other', async () => {
    const backup = join(dir, `backup-${name}`);
    project.script('backup.sh', backup);
    expect(() => project.script('restore.sh', backup)).toThrow(/down first/);
    project.compose('stop');
    expect(() => project.script('restore.sh', backup)).toThrow(/already/);
    project.down();
    project.script('restore.sh', backup);
    await project.up();
    python(FIND);
    expect(smoke()).toContain('All is well.');
  });
});
