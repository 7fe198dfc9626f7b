import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { awaitHealth } from '../src/cli/start/await-health.ts';
import { endTethered, spawnTethered } from '../src/cli/start/tethered.ts';
import { upstreamEnvironment } from '../src/cli/start/upstream-environment.ts';
import { ROOT } from './children.ts';
import { freePort } from './gateway.ts';
import { PASSWORD } from './population.ts';

const START_MS = 120_000;

/** Those that `npm test` installs. */
export type MlflowVersion = '3.17.2' | '2.15.1';

const LISTEN_ON = {
  '3.17.2': (socketPath: string) => ['--uvicorn-opts', `--uds ${socketPath}`],
  // gunicorn listens on the TCP port as well.
  '2.15.1': (socketPath: string) => ['--gunicorn-opts', `--bind unix:${socketPath}`],
} as const satisfies Record<MlflowVersion, (socketPath: string) => string[]>;

export interface MlflowServer {
  readonly origin: string;
  readonly socketPath: string | undefined;
  /** Process group of the server and its workers. */
  readonly group: number;
  stop(): Promise<void>;
}

export interface MlflowSettings {
  /** 3.17.2 if not said. */
  readonly version?: MlflowVersion;
  /** Takes its log and, unless shared, its database. */
  readonly dir: string;
  readonly backendStoreUri: string;
  readonly listen: 'socket' | 'tcp';
  /** One if not said. */
  readonly workers?: number;
  /** MLflow's own `--app-name basic-auth`: seconds that it remembers a password it has checked. */
  readonly auth?: { readonly cacheSeconds: number };
  /** Of the environment whose MLflow is started; that of the stock one of this version if not said. */
  readonly python?: string;
  /** Another package's `--app-name`, and its settings. */
  readonly app?: App;
}

/** A package that MLflow runs in place of its own application. */
export interface App {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
}

export function isInstalled(version: MlflowVersion): boolean {
  return existsSync(pythonOf(version));
}

/** The interpreter of a stock MLflow, there or not. */
export function pythonOf(version: MlflowVersion): string {
  return join(ROOT, process.env['MLFLOW_TEST_VENVS'] ?? '.venv', `mlflow-${version}`, 'bin/python');
}

/** Starts a stock MLflow. */
export async function startMlflow({
  version = '3.17.2',
  dir,
  backendStoreUri,
  listen,
  workers = 1,
  auth,
  python = pythonOf(version),
  app,
}: MlflowSettings): Promise<MlflowServer> {
  mkdirSync(dir, { recursive: true });
  // Not in dir, whose path may be longer than a socket's can be.
  const socketPath = listen === 'socket' ? join(mkdtempSync(join(tmpdir(), 'b-')), 's') : undefined;
  const port = await freePort();
  const output = openSync(join(dir, 'log'), 'a');
  const server = spawnTethered({
    python,
    args: [
      ...['-m', 'mlflow', 'server', '--workers', String(workers)],
      ...['--host', '127.0.0.1', '--port', String(port)],
      ...['--backend-store-uri', backendStoreUri, '--artifacts-destination', join(dir, 'artifacts')],
      ...(auth === undefined ? [] : ['--app-name', 'basic-auth']),
      ...(app === undefined ? [] : ['--app-name', app.name]),
      ...(socketPath === undefined ? [] : LISTEN_ON[version](socketPath)),
    ],
    cwd: dir,
    env: {
      ...upstreamEnvironment(process.env),
      // Its workers for jobs would be measured with it, idle as they are.
      MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
      ...(auth !== undefined && {
        MLFLOW_AUTH_CONFIG_PATH: writeAuthConfig(dir, auth.cacheSeconds),
        MLFLOW_FLASK_SERVER_SECRET_KEY: 'only for the benchmark',
      }),
      ...app?.env,
    },
    output,
  });
  closeSync(output);
  const signal = AbortSignal.timeout(START_MS);
  const origin = `http://127.0.0.1:${port}`;
  if (socketPath === undefined) {
    await healthy(origin, signal);
  } else {
    await awaitHealth(socketPath, signal);
  }
  return {
    origin: socketPath === undefined ? origin : 'http://localhost',
    socketPath,
    group: server.pid ?? 0,
    async stop() {
      await endTethered(server, 5_000);
      if (socketPath !== undefined) {
        rmSync(dirname(socketPath), { recursive: true, force: true });
      }
    },
  };
}

async function healthy(origin: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const ok = await fetch(`${origin}/health`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ok) {
      return;
    }
    signal.throwIfAborted();
    await new Promise((done) => setTimeout(done, 100));
  }
}

function writeAuthConfig(dir: string, cacheSeconds: number): string {
  const path = join(dir, 'basic_auth.ini');
  writeFileSync(
    path,
    `[mlflow]
default_permission = NO_PERMISSIONS
database_uri = sqlite:///${dir}/basic_auth.db
admin_username = admin
admin_password = ${PASSWORD}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = ${cacheSeconds}
`,
  );
  return path;
}
