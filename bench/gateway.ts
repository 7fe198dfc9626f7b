import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Child, launch, ROOT } from './children.ts';

const BUILD = join(ROOT, 'bench-results', 'build');
const START_MS = 120_000;
/** For Node, of a gateway that is to keep no audit log. */
export const WITHOUT_AUDIT = ['--import', join(ROOT, 'bench/processes/without-audit.js')];

/** Builds the gateway as `npm run build` does but for the check of types, into a place of the benchmark's own. */
export function buildGateway(): void {
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  execFileSync(tsc, ['-p', 'tsconfig.build.json', '--noCheck', '--outDir', BUILD], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  // Where the built code looks for it: above its own directory.
  copyFileSync(join(ROOT, 'package.json'), join(BUILD, '..', 'package.json'));
}

export interface GatewaySettings {
  readonly upstreamUri: string;
  /** File of its store; empty or filled. */
  readonly database?: string;
  /** Where its store is, if that is no file. */
  readonly databaseUri?: string;
  /** Takes its log lines. */
  readonly log: string;
  readonly rounds?: number;
  readonly execArgv?: string[];
  readonly trustedProxies?: string;
}

export interface GatewayChild extends Child {
  /** From the command until `/health` answers. */
  readonly startMs: number;
}

/** Runs the built gateway as `npm run serve` does; `said` is its address. */
export async function startGateway(settings: GatewaySettings): Promise<GatewayChild> {
  const main = join(BUILD, 'main.js');
  if (!existsSync(main)) {
    throw new Error('build the gateway first');
  }
  const port = await freePort();
  const env = {
    ...withoutSettings(process.env),
    MLFLOW_AUTH_CONFIG_PATH: join(ROOT, 'config', 'basic-auth.ini'),
    MLFLOW_AUTH_UPSTREAM_URI: settings.upstreamUri,
    MLFLOW_AUTH_DATABASE_URI: settings.databaseUri ?? `sqlite:///${settings.database}`,
    MLFLOW_AUTH_HOST: '127.0.0.1',
    MLFLOW_AUTH_PORT: String(port),
    MLFLOW_AUTH_DRAIN_SECONDS: '1',
    MLFLOW_AUTH_PASSWORD_ROUNDS: String(settings.rounds ?? 4),
    ...(settings.trustedProxies !== undefined && { MLFLOW_AUTH_TRUSTED_PROXIES: settings.trustedProxies }),
  };
  const started = performance.now();
  const child = launch(main, ['serve'], { env, log: settings.log, execArgv: settings.execArgv ?? [] });
  const url = `http://127.0.0.1:${port}`;
  try {
    await healthy(url, () => child.exitCode !== null);
  } catch (error) {
    throw new Error(`${error}\n${readFileSync(settings.log, 'utf8').slice(-2000)}`);
  }
  return { pid: child.pid ?? 0, said: url, process: child, startMs: performance.now() - started };
}

async function healthy(url: string, dead: () => boolean): Promise<void> {
  const deadline = performance.now() + START_MS;
  for (;;) {
    const ok = await fetch(`${url}/health`, { signal: AbortSignal.timeout(5_000) }).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ok) {
      return;
    }
    if (dead() || performance.now() > deadline) {
      throw new Error('the gateway does not start');
    }
    await new Promise((done) => setTimeout(done, 10));
  }
}

function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('MLFLOW_')));
}

/** A port of this machine that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
