import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { pythonOf, runPython, STARTED } from '../../support/mlflow.ts';

const ENTRY = new URL('../../../src/cli/start/index.ts', import.meta.url).pathname;
const MAIN = new URL('../../../src/main.ts', import.meta.url).pathname;

interface Started {
  readonly child: ChildProcess;
  /** What it printed up to now. */
  output(): string;
  /** The exit code, once it ended. */
  readonly exit: Promise<number | null>;
}

function start(cwd: string, env: Record<string, string> = {}): Started {
  const child = spawn(process.execPath, [ENTRY, '--python', pythonOf(STARTED)], {
    cwd,
    env: { PATH: process.env['PATH'], MLFLOW_AUTH_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const exit = once(child, 'close').then(([code]) => code);
  return { child, output: () => output, exit };
}

function ready({ output }: Started): Promise<void> {
  return vi.waitFor(() => expect(output()).toContain('Ctrl-C'), { timeout: 120_000 });
}

const temporary = () => mkdtempSync(join(tmpdir(), 'start-'));

describe('npm start', () => {
  const cwd = temporary();
  let first: Started;
  let address: string;
  let password: string;

  beforeAll(async () => {
    first = start(cwd);
    await ready(first);
    address = /address +(\S+)/.exec(first.output())?.[1] ?? '';
    password = /password +(\S+)/.exec(first.output())?.[1] ?? '';
  });
  afterAll(async () => {
    first.child.kill('SIGTERM');
    await first.exit;
    rmSync(cwd, { recursive: true, force: true });
  });

  test('prints where it is and a password that opens it to MLflow’s own client', async () => {
    expect(first.output()).toContain(`export MLFLOW_TRACKING_URI=${address}`);
    const script = "import mlflow; print(mlflow.create_experiment('first'))";
    const client = {
      MLFLOW_TRACKING_URI: address,
      MLFLOW_TRACKING_USERNAME: 'admin',
      MLFLOW_TRACKING_PASSWORD: password,
    };
    expect(await runPython(STARTED, script, client)).toMatch(/^\d+$/m);
    expect((await fetch(`${address}/version`)).status).toBe(401);
  });

  test('keeps data and logs in ./data, which is for this user alone, and the password in none of them', () => {
    expect(statSync(join(cwd, 'data')).mode & 0o777).toBe(0o700);
    for (const name of ['gateway.log', 'mlflow.log', 'gateway.db', 'mlflow.db']) {
      expect(readFileSync(join(cwd, 'data', name)).includes(password)).toBe(false);
    }
  });

  test('does not share its data with a second start', async () => {
    const second = start(cwd);
    expect(await second.exit).toBe(1);
    expect(second.output()).toMatch(/^Another npm start is running on .+data\. Stop it, or start .+\n$/);
  });

  test('ends on SIGTERM with 0, and the next start knows the password and does not print it again', async () => {
    first.child.kill('SIGTERM');
    expect(await first.exit).toBe(0);

    first = start(cwd, { MLFLOW_AUTH_ADMIN_PASSWORD: 'a second password' });
    await ready(first);
    expect(first.output()).not.toContain('password  ');
    expect(first.output()).toContain('lost its password? bin/mlflow-auth-gateway create-admin admin');
    await vi.waitFor(() => expect(first.output()).toContain('(MLFLOW_AUTH_ADMIN_PASSWORD) is ignored'), {
      timeout: 30_000,
    });
    address = /address +(\S+)/.exec(first.output())?.[1] ?? '';
    const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`;
    expect((await fetch(`${address}/version`, { headers: { authorization } })).status).toBe(200);
  }, 180_000);

  test('whose admin lost the password lets them in by what the banner says, typed where it was started', async () => {
    const input = 'another long password';
    const { stdout, stderr, status } = spawnSync(process.execPath, [MAIN, 'create-admin', 'admin'], {
      cwd,
      env: { PATH: process.env['PATH'] },
      input,
      encoding: 'utf8',
    });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect(stdout).toContain(`admin was there in sqlite:///${join(cwd, 'data/gateway.db')}`);
    const authorization = `Basic ${Buffer.from(`admin:${input}`).toString('base64')}`;
    expect((await fetch(`${address}/version`, { headers: { authorization } })).status).toBe(200);
  });
});

test('npm start says that the port is taken before it starts anything', async () => {
  const cwd = temporary();
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  const other = createServer();
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  onTestFinished(() => void other.close());
  const port = String(Object(other.address()).port);

  const started = start(cwd, { MLFLOW_AUTH_PORT: port });
  expect(await started.exit).toBe(1);
  expect(started.output()).toBe(`Port ${port} on 127.0.0.1 is taken. Set another with MLFLOW_AUTH_PORT.\n`);
  expect(existsSync(join(cwd, 'data', 'mlflow.log'))).toBe(false);
});

test('npm start tells every problem of the settings and ends', async () => {
  const cwd = temporary();
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  const started = start(cwd, { MLFLOW_AUTH_PORT: 'x', MLFLOW_AUTH_LOG_LEVEL: 'x' });
  expect(await started.exit).toBe(1);
  expect(started.output()).toMatch(/MLFLOW_AUTH_PORT: write[\s\S]*MLFLOW_AUTH_LOG_LEVEL: write/);
});

test('npm start ends on Ctrl-C while MLflow still starts', async () => {
  const cwd = temporary();
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  const started = start(cwd);
  await expect.poll(started.output, { timeout: 30_000 }).toContain('Starting MLflow');
  started.child.kill('SIGINT');
  expect(await started.exit).toBe(0);
});
