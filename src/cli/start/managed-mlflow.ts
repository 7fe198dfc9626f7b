import type { ChildProcess } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { awaitHealth } from './await-health.ts';
import { endTethered, spawnTethered } from './tethered.ts';
import { upstreamEnvironment } from './upstream-environment.ts';

export interface ManagedMlflowOptions {
  /** The interpreter that has MLflow. */
  readonly python: string;
  /** Takes the database, the artifacts and the log. */
  readonly dataDir: string;
  /** This process's environment; MLflow gets what is left of it by {@link upstreamEnvironment}. */
  readonly env: NodeJS.ProcessEnv;
  /** Told in one line when MLflow ended by itself and is started again. */
  readonly warn: (line: string) => void;
  readonly clock: () => number;
}

export interface ManagedMlflow {
  /** `unix:/…`, for the gateway's `upstream_uri`. */
  readonly socketUri: string;
  /**
   * Starts it and waits until it answers.
   *
   * @throws Error with the end of its log, if it does not, or the signal's reason.
   */
  start(signal: AbortSignal): Promise<void>;
  /** Ends it; safe to call at any time. */
  stop(): Promise<void>;
}

const START_MS = 180_000;
const STOP_MS = 10_000;
/** Each of MLflow's workers takes about 250 MB; its own default is four. */
const WORKERS = '2';
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** MLflow that lived this long was well: the next restart is as quick as the first. */
const WELL_MS = 60_000;
const LOG_TAIL = 2_000;
/** What a socket's path can have, on macOS a little less than on Linux. */
const LONGEST_SOCKET_PATH = 103;

/**
 * A stock MLflow that listens on a unix socket in a directory that only this user can enter, and nowhere else, and that
 * ends when this process does.
 */
export function manageMlflow(options: ManagedMlflowOptions): ManagedMlflow {
  const { dataDir, env, warn, clock } = options;
  const runtimeDir = makeRuntimeDirectory(env);
  const socketPath = join(runtimeDir, 's');
  const logPath = join(dataDir, 'mlflow.log');
  const stopping = new AbortController();
  let running: Running | undefined;
  let watching: Promise<void> | undefined;

  async function ready(signal: AbortSignal): Promise<void> {
    running = launch(options, socketPath, logPath);
    await untilHealthy(running, socketPath, AbortSignal.any([signal, stopping.signal]));
  }

  return {
    socketUri: `unix:${socketPath}`,
    async start(signal) {
      mkdirSync(join(dataDir, 'artifacts'), { recursive: true });
      if (existsSync(logPath)) {
        renameSync(logPath, `${logPath}.1`);
      }
      try {
        await ready(signal);
      } catch (error) {
        throw signal.aborted ? error : didNotStart(error, logPath);
      }
      const warnOf = (how: string, pauseMs: number) =>
        warn(`MLflow ended (${how}) and is started again in ${pauseMs / 1000} s; its log is ${logPath}`);
      watching = keepRunning({ current: () => running, ready, warn: warnOf, clock, stop: stopping.signal });
    },
    async stop() {
      stopping.abort(new Error('MLflow is being stopped'));
      if (running !== undefined) {
        await endTethered(running.child, STOP_MS);
      }
      await watching;
      rmSync(runtimeDir, { recursive: true, force: true });
    },
  };
}

interface Running {
  readonly child: ChildProcess;
  /** How it ended, once it did. */
  readonly exited: Promise<string>;
}

function launch(
  { python, dataDir, env }: ManagedMlflowOptions,
  socketPath: string,
  logPath: string,
): Running {
  // uvicorn does not bind to what an MLflow that was killed left behind.
  rmSync(socketPath, { force: true });
  const output = openSync(logPath, 'a', 0o600);
  const child = spawnTethered({
    python,
    args: [
      ...['-m', 'mlflow', 'server', '--workers', WORKERS, '--uvicorn-opts', `--uds '${socketPath}'`],
      ...['--backend-store-uri', `sqlite:///${join(dataDir, 'mlflow.db')}`],
      ...['--serve-artifacts', '--artifacts-destination', join(dataDir, 'artifacts')],
    ],
    cwd: dataDir,
    env: {
      ...upstreamEnvironment(env),
      // Its jobs call http://host:port, where no MLflow listens: another server there would be asked instead.
      MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
    },
    output,
  });
  closeSync(output);
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  return { child, exited };
}

/** @throws how it ended, if it did, or the signal's reason. */
async function untilHealthy({ exited }: Running, socketPath: string, signal: AbortSignal): Promise<void> {
  const died = new AbortController();
  void exited.then((how) => died.abort(new Error(how)));
  await awaitHealth(socketPath, AbortSignal.any([signal, died.signal, AbortSignal.timeout(START_MS)]));
}

interface Watched {
  /** What runs now. */
  readonly current: () => Running | undefined;
  /** Starts another one and waits until it answers. */
  readonly ready: (signal: AbortSignal) => Promise<void>;
  readonly warn: (how: string, pauseMs: number) => void;
  readonly clock: () => number;
  readonly stop: AbortSignal;
}

/** Starts MLflow again each time that it ends, until the signal. */
async function keepRunning({ current, ready, warn, clock, stop }: Watched): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  for (let running = current(); running !== undefined; running = current()) {
    const since = clock();
    const how = await running.exited;
    await endTethered(running.child, STOP_MS);
    if (stop.aborted) {
      return;
    }
    if (clock() - since > WELL_MS) {
      pauseMs = FIRST_PAUSE_MS;
    }
    warn(how, pauseMs);
    try {
      await delay(pauseMs, undefined, { signal: stop });
      await ready(stop);
    } catch {
      if (stop.aborted) {
        return;
      }
      // Not healthy in time, or gone again: the next round ends what is left and waits longer.
      const failed = current();
      if (failed !== undefined) {
        await endTethered(failed.child, STOP_MS);
      }
    }
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

function didNotStart(error: unknown, logPath: string): Error {
  const tail = readFileSync(logPath, 'utf8').slice(-LOG_TAIL).trim();
  const how = error instanceof Error ? error.message : String(error);
  return new Error(`${tail}\n\nMLflow did not start (${how}). Its whole log is ${logPath}.`);
}

/** A directory of mode 0700 whose path leaves room for a socket's name. */
function makeRuntimeDirectory(env: NodeJS.ProcessEnv): string {
  const bases = [env['XDG_RUNTIME_DIR'], tmpdir(), '/tmp'].filter((base) => base !== undefined);
  const base = bases.find(
    (path) => existsSync(path) && `${path}/mlflow-XXXXXX/s`.length <= LONGEST_SOCKET_PATH,
  );
  return mkdtempSync(join(base ?? '/tmp', 'mlflow-'));
}
