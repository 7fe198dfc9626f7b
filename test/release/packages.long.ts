/** Makes a release and installs each of its parts as people do, where the repository is not. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { ADMIN, personAt } from '../support/gateway.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { isThere } from '../support/is-there.ts';
import { pythonOf, STARTED } from '../support/mlflow.ts';

const { version } = manifest;
const dir = mkdtempSync(join(tmpdir(), 'release-'));
const release = join(dir, 'release');
const at = (name: string) => join(release, name);
/** Without Node.js. */
const BARE_PATH = '/usr/bin:/bin';
let upstream: FakeUpstream;

beforeAll(async () => {
  const script = resolve(import.meta.dirname, '../../scripts/release/index.mjs');
  run(process.execPath, [script, release], { ...process.env, PYTHON: pythonOf(STARTED) });
  upstream = await startFakeUpstream();
});
afterAll(async () => {
  await upstream.close();
  rmSync(dir, { recursive: true });
});

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  return execFileSync(program, args, { cwd: dir, env, encoding: 'utf8', stdio: 'pipe' });
}

test('a release is whole, and its checksums are right', () => {
  expect(readdirSync(release).toSorted()).toEqual([
    'SHA256SUMS',
    `mlflow-auth-gateway-${version}.tgz`,
    `mlflow-auth-gateway-chart-${version}.tgz`,
    'mlflow-auth-gateway.service',
    `mlflow_auth_gateway-${version}-py3-none-any.whl`,
    `mlflow_auth_gateway_client-${version}-py3-none-any.whl`,
  ]);
  const sums = run('sh', ['-c', `cd ${release} && sha256sum -c SHA256SUMS`]);
  expect(sums.match(/: OK$/gm)).toHaveLength(5);
});

test('a release is not made into a folder that holds something', () => {
  const script = resolve(import.meta.dirname, '../../scripts/release/index.mjs');
  expect(() => run(process.execPath, [script, release])).toThrow(/holds something already/);
});

describe.each([
  {
    name: 'npm install -g',
    install(prefix: string) {
      run('npm', ['install', '-g', '--prefix', prefix, at(`mlflow-auth-gateway-${version}.tgz`)]);
      return { path: [dirname(process.execPath), BARE_PATH].join(delimiter) };
    },
  },
  {
    name: 'pip install',
    install(prefix: string) {
      run(pythonOf(STARTED), ['-m', 'venv', prefix]);
      const wheel = at(`mlflow_auth_gateway-${version}-py3-none-any.whl`);
      run(join(prefix, 'bin/python'), ['-m', 'pip', 'install', '--quiet', wheel]);
      return { path: BARE_PATH };
    },
  },
])('$name', ({ name, install }) => {
  const prefix = join(dir, name.replaceAll(' ', '-'));
  const command = (which: string) => join(prefix, 'bin', which);
  let path: string;
  beforeAll(() => {
    mkdirSync(prefix);
    ({ path } = install(prefix));
  });

  test('brings both commands', () => {
    const env = { PATH: path };
    expect(run(command('mlflow-auth-gateway'), ['--version'], env).trim()).toBe(version);
    expect(run(command('mlflow-auth-client'), ['--version'], env).trim()).toBe(version);
    expect(run(command('mlflow-auth-gateway'), ['--help'], env)).toContain('check-config');
  });

  test('runs a gateway that users are made in, and that ends when it is told to', async () => {
    const store = join(prefix, 'gateway.db');
    const gateway = await startGatewayProcess(upstream.uri, store, { PATH: path }, [
      command('mlflow-auth-gateway'),
    ]);
    const env = {
      PATH: path,
      MLFLOW_TRACKING_URI: gateway.url,
      MLFLOW_TRACKING_USERNAME: ADMIN.username,
      MLFLOW_TRACKING_PASSWORD: ADMIN.password,
    };
    // Not waited for in one piece: the upstream that the gateway asks is in this very process.
    const listed = await promisify(execFile)(command('mlflow-auth-client'), ['list-users'], { env });
    expect(listed.stdout).toContain(ADMIN.username);
    // The pages for people are in the package, each of their files.
    const admin = personAt(gateway.url, ADMIN.username, ADMIN.password);
    const page = await admin.get('/auth/account');
    const files = [...page.text.matchAll(/"(\/auth\/assets\/[^"]+)"/g)].map(([, file = '']) => file);
    expect(files.length).toBeGreaterThan(1);
    for (const file of [...files, '/auth/in-mlflow.js', '/auth/style.css']) {
      expect([file, (await admin.get(file)).status]).toEqual([file, 200]);
    }
    expect(await gateway.end('SIGTERM')).toBe(0);
    const settings = { PATH: path, MLFLOW_AUTH_DATABASE_URI: `sqlite:///${store}` };
    const copy = join(prefix, 'copy.db');
    expect(run(command('mlflow-auth-gateway'), ['backup', copy], settings)).toContain(copy);
  });
});

test('the package of Python brings get_app_client its app', () => {
  const venv = join(dir, 'client');
  run(pythonOf(STARTED), ['-m', 'venv', venv]);
  const python = join(venv, 'bin/python');
  const wheel = at(`mlflow_auth_gateway_client-${version}-py3-none-any.whl`);
  // MLflow itself, which it needs, is tried with it elsewhere.
  run(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', wheel]);
  const ask = `
from importlib.metadata import entry_points
print([point.name for point in entry_points(group="mlflow.app.client")])
`;
  expect(run(python, ['-c', ask]).trim()).toBe("['mlflow-auth']");
});

test('the chart is a package that Helm reads', () => {
  const chart = at(`mlflow-auth-gateway-chart-${version}.tgz`);
  expect(run('tar', ['-tzf', chart]).split('\n')).toContain('mlflow-auth-gateway/Chart.yaml');
  if (isThere('helm')) {
    expect(run('helm', ['show', 'chart', chart])).toContain(`version: ${version}`);
  }
});
