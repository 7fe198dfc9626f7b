/** `npm start`: a stock MLflow on a private socket, and the gateway in front of it, until Ctrl-C. */
import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadConfig } from '../../config/load-config.ts';
import type { Config } from '../../config.ts';
import { tuneHeap } from '../../heap.ts';
import { type RunningServer, startServer } from '../../server.ts';
import { explain } from '../explain.ts';
import { createLog } from '../log.ts';
import { logDestination } from '../log-destination.ts';
import { printable } from '../printable.ts';
import { DATA_DIRECTORY, storeOfStart } from '../store-of-start.ts';
import { unusedAdminPassword } from '../unused-admin-password.ts';
import { checkPort } from './check-port.ts';
import { lockDirectory } from './lock-directory.ts';
import { manageMlflow } from './managed-mlflow.ts';

/** One Ctrl-C reaches this process twice, from the terminal and from npm: signals within this time are one. */
const SAME_SIGNAL_MS = 500;

const { values } = parseArgs({ options: { python: { type: 'string', default: 'python3' } } });
const stopping = new AbortController();
stopOnSignals();
process.exitCode = await start(values.python);
// Whatever still holds the event loop open has no work left to do.
process.exit();

/** @returns the exit code, once everything is stopped. */
async function start(python: string): Promise<number> {
  tuneHeap();
  const dataDir = join(process.cwd(), DATA_DIRECTORY);
  /** What is to be stopped, last started first. */
  const closers: (() => unknown)[] = [];
  try {
    closers.unshift(claim(dataDir));
    const config = readSettings(process.cwd());
    await checkPort(config);

    say('Starting MLflow …');
    const mlflow = manageMlflow({
      python,
      dataDir: realpathSync(dataDir),
      env: process.env,
      warn: say,
      clock: Date.now,
    });
    closers.unshift(() => mlflow.stop());
    await mlflow.start(stopping.signal);

    const log = join(dataDir, 'gateway.log');
    const destination = logDestination({ dest: log, append: true, mode: 0o600, sync: true });
    const managed = { ...config, upstream_uri: mlflow.socketUri, upstream_host: undefined };
    const server = await startServer(managed, { logger: createLog(config.log_level, destination) });
    closers.unshift(() => server.close());
    say(await banner(server, config));
    const unused = await unusedAdminPassword(config, server.store);
    if (unused !== undefined) {
      say(`Warning: ${unused}`);
    }
    await stopped();
    say('\nStopping …');
    return 0;
  } catch (error) {
    if (stopping.signal.aborted) {
      return 0;
    }
    process.stderr.write(`${explain(error)}\n`);
    return 1;
  } finally {
    for (const close of closers) {
      await close();
    }
  }
}

/**
 * Makes the directory and keeps other starts out of it.
 *
 * @returns what gives it back.
 */
function claim(dataDir: string): () => void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const unlock = lockDirectory(dataDir);
  if (unlock === undefined) {
    throw new Error(
      `Another npm start is running on ${dataDir}. Stop it, or start this one in another directory.`,
    );
  }
  return unlock;
}

function readSettings(cwd: string): Config {
  const defaults = { database_uri: storeOfStart(cwd), upstream_uri: 'unix:/managed' };
  const { config, warnings } = loadConfig({ env: process.env, cwd, defaults });
  for (const warning of warnings) {
    say(`Warning: ${warning}`);
  }
  if (config.upstream_uri !== defaults.upstream_uri || config.upstream_host !== undefined) {
    say(
      'Warning: npm start runs an MLflow of its own; upstream_uri and upstream_host are for npm run serve.',
    );
  }
  return config;
}

/** What to do now, in the order it is needed. */
async function banner({ url, firstAdmin, store }: RunningServer, config: Config): Promise<string> {
  const admins = (await store.users.list()).filter(({ isAdmin }) => isAdmin);
  const admin = admins.find(({ username }) => username === config.admin_username) ?? admins[0];
  const user = printable(admin?.username ?? config.admin_username);
  const password =
    firstAdmin === undefined
      ? `            lost its password? bin/mlflow-auth-gateway create-admin ${user}`
      : `  password  ${firstAdmin.password}
            shown only this once: keep it, or make another with bin/mlflow-auth-gateway create-admin ${user}`;
  return `
MLflow is ready, and asks for a name and a password:

  address   ${url}
  user      ${user}
${password}

  client    export MLFLOW_TRACKING_URI=${url}
            export MLFLOW_TRACKING_USERNAME=${user}
            export MLFLOW_TRACKING_PASSWORD=…

  data      ${DATA_DIRECTORY}/
  logs      ${DATA_DIRECTORY}/gateway.log, ${DATA_DIRECTORY}/mlflow.log
  stop      Ctrl-C
`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** The first signal stops politely, a later one at once; the tether takes MLflow along. */
function stopOnSignals(): void {
  let firstAt: number | undefined;
  const stop = () => {
    firstAt ??= Date.now();
    if (Date.now() - firstAt > SAME_SIGNAL_MS) {
      process.exit(130);
    }
    stopping.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, stop);
  }
  // The script that started this process is gone, and with it the terminal's way to stop it.
  process.on('disconnect', stop);
}

function stopped(): Promise<void> {
  return new Promise((resolve) => {
    if (stopping.signal.aborted) {
      resolve();
    } else {
      stopping.signal.addEventListener('abort', () => resolve());
    }
  });
}
