import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { inject } from 'vitest';
import { NEWEST_MLFLOW, OLDEST_MLFLOW, STARTED_MLFLOW } from '../../scripts/lib/mlflow-versions.mjs';
import { awaitHealth } from '../../src/cli/start/await-health.ts';
import { endTethered, spawnTethered } from '../../src/cli/start/tethered.ts';
import { upstreamEnvironment } from '../../src/cli/start/upstream-environment.ts';
import { listen } from './listen.ts';

/** The newest that the gateway serves, what `npm start` runs, and the oldest. */
export const NEWEST = NEWEST_MLFLOW.version;
export const STARTED = STARTED_MLFLOW.version;
export const OLDEST = OLDEST_MLFLOW.version;

/**
 * The stock MLflows that every test runs on: the newest and the oldest that the gateway serves, or what stands in
 * `MLFLOW_TEST_VERSIONS`, by commas, as `npm test -- --mlflow 3.10.1 test/e2e` has it.
 */
export const MLFLOW_VERSIONS: readonly string[] = process.env['MLFLOW_TEST_VERSIONS']?.split(',') ?? [
  NEWEST,
  OLDEST,
];

/** Whether a version is one of MLflow 2, which is Flask alone and has no traces of version 3, GenAI or roles. */
export const isMlflow2 = (version: string) => version.startsWith('2.');

/** Where a running stock MLflow is reached. */
export interface MlflowAddress {
  readonly version: string;
  /** `http://127.0.0.1:<port>`, past the gateway: what an administrator of MLflow itself would use. */
  readonly uri: string;
  /** `unix:/…`, for the gateway's `upstream_uri`. */
  readonly socketUri: string;
  /** The interpreter that has this version's client. */
  readonly python: string;
}

export interface RunningMlflow extends MlflowAddress {
  /** Signals all its processes, and waits for nothing. */
  signal(name: NodeJS.Signals): void;
  stop(): Promise<void>;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Address of the broker that global-setup.ts runs. */
    mlflowBroker: string;
  }
}

const START_MS = 120_000;
const STOP_MS = 10_000;
const SCRIPT_MS = 120_000;
/** The runner of jobs is ten processes beside the server, which answers as it does with them. */
const NO_JOBS = { MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false' };
const REPOSITORY = resolve(import.meta.dirname, '../..');

/** MLflow 3.0 to 3.2 run on gunicorn, which listens on the TCP port as well: hence --port 0 below, any free one. */
const listenOn = (version: string, socketPath: string) =>
  isMlflow2(version) || /^3\.[0-2]\./.test(version)
    ? ['--gunicorn-opts', `--bind unix:${socketPath}`]
    : ['--uvicorn-opts', `--uds ${socketPath}`];

/** The interpreter of the virtual environment that `npm test` makes for a version. */
export function pythonOf(version: string): string {
  const python = resolve(
    REPOSITORY,
    process.env['MLFLOW_TEST_VENVS'] ?? '.venv',
    `mlflow-${version}`,
    'bin/python',
  );
  if (!existsSync(python)) {
    throw new Error(`MLflow ${version} is not installed: run npm test, which installs it`);
  }
  return python;
}

export interface MlflowOptions {
  readonly version: string;
  /** Takes its database, artifacts and log; made when missing, left when it stops. */
  readonly dir: string;
  /** More options of `mlflow server`. */
  readonly args?: readonly string[];
  readonly staticPrefix?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Starts a stock MLflow of its own, for tests that stop it or fill it; the others share one, see {@link sharedMlflow}.
 *
 * @throws Error with the end of its log when it does not come up.
 */
export async function startMlflow(options: MlflowOptions): Promise<RunningMlflow> {
  const { version, dir, args = [], staticPrefix } = options;
  const python = pythonOf(version);
  mkdirSync(join(dir, 'artifacts'), { recursive: true });
  // Not in dir, whose path may be longer than a socket's can be.
  const runtime = mkdtempSync(join(tmpdir(), 'mlflow-'));
  const socketPath = join(runtime, 's');
  const logPath = join(dir, 'mlflow.log');
  const output = openSync(logPath, 'a');
  const server = spawnTethered({
    python,
    args: [
      ...['-m', 'mlflow', 'server', '--workers', '1', '--host', '127.0.0.1', '--port', '0'],
      ...['--backend-store-uri', `sqlite:///${join(dir, 'mlflow.db')}`],
      ...['--artifacts-destination', join(dir, 'artifacts'), '--serve-artifacts'],
      ...listenOn(version, socketPath),
      ...(staticPrefix === undefined ? [] : ['--static-prefix', staticPrefix]),
      ...args,
    ],
    cwd: dir,
    env: { ...upstreamEnvironment(process.env), ...NO_JOBS, ...options.env },
    output,
  });
  closeSync(output);

  const died = new AbortController();
  server.once('exit', (code) => died.abort(new Error(`it ended with ${code}`)));
  const end = async () => {
    await endTethered(server, STOP_MS);
    rmSync(runtime, { recursive: true, force: true });
  };
  try {
    const signal = AbortSignal.any([died.signal, AbortSignal.timeout(START_MS)]);
    // Its API moves with MLflow 3.17, this page with every version.
    await awaitHealth(socketPath, signal, staticPrefix === undefined ? '/health' : `${staticPrefix}/`);
  } catch (error) {
    await end();
    const log = readFileSync(logPath, 'utf8').slice(-4000);
    throw new Error(`MLflow ${version} did not start: ${error}\n${log}`);
  }
  const relay = await startRelay(socketPath);
  return {
    version,
    uri: relay.uri,
    socketUri: `unix:${socketPath}`,
    python,
    signal(name) {
      process.kill(-(server.pid ?? 0), name);
    },
    async stop() {
      await relay.close();
      await end();
    },
  };
}

/** The MLflow of this version that all test files of a run share; started when the first asks for it. */
export async function sharedMlflow(version: string): Promise<MlflowAddress> {
  const answer = await fetch(`${inject('mlflowBroker')}/${version}`);
  if (!answer.ok) {
    throw new Error(await answer.text());
  }
  return (await answer.json()) as MlflowAddress;
}

/**
 * Starts what {@link sharedMlflow} asks: it starts each MLflow once, when first wanted. For global-setup.ts, which
 * lives as long as the run.
 */
export async function startMlflowBroker(): Promise<{ url: string; close(): Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), 'mlflow-shared-'));
  const started = new Map<string, Promise<RunningMlflow>>();
  const broker = createServer(async (asked, answer) => {
    const version = asked.url?.slice(1) ?? '';
    try {
      const mlflow = started.get(version) ?? startMlflow({ version, dir: join(dir, version) });
      started.set(version, mlflow);
      const { uri, socketUri, python } = await mlflow;
      answer.end(JSON.stringify({ version, uri, socketUri, python } satisfies MlflowAddress));
    } catch (error) {
      answer.writeHead(500).end(String(error));
    }
  });
  const { uri: url, close } = await listen(broker);
  return {
    url,
    async close() {
      await close();
      const running = await Promise.allSettled(started.values());
      await Promise.all(
        running.map((start) => (start.status === 'fulfilled' ? start.value.stop() : undefined)),
      );
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/**
 * Runs a Python script that has the real client of a version.
 *
 * @param env - added to an environment without any setting of MLflow, such as `MLFLOW_TRACKING_URI`.
 * @returns what it printed.
 * @throws Error with its traceback when it fails.
 */
export async function runPython(
  version: string,
  script: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout } = await promisify(execFile)(pythonOf(version), ['-c', script], {
    env: { ...upstreamEnvironment(process.env), ...env },
    timeout: SCRIPT_MS,
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout;
}

/** A TCP port in front of a unix socket, which the Python client cannot speak to. */
async function startRelay(socketPath: string): Promise<{ uri: string; close(): Promise<void> }> {
  const open = new Set<Socket>();
  const relay = createTcpServer({ noDelay: true }, (client) => {
    const server = connect(socketPath);
    for (const [here, there] of [
      [client, server],
      [server, client],
    ] as const) {
      open.add(here);
      here.pipe(there);
      here.on('error', () => there.destroy());
      here.on('close', () => {
        open.delete(here);
        there.end();
      });
    }
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  return {
    uri: `http://127.0.0.1:${(relay.address() as AddressInfo).port}`,
    async close() {
      const closed = once(relay, 'close');
      relay.close();
      for (const socket of open) {
        socket.destroy();
      }
      await closed;
    },
  };
}
