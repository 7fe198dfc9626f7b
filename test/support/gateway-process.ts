import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { ADMIN } from './gateway.ts';

/** The gateway as a process of its own, which a test may kill. */
export interface GatewayProcess {
  readonly url: string;
  readonly pid: number;
  /** What stood on its standard output so far. */
  output(): string;
  /** Ends it with this signal and waits until it is gone; answers its exit code, null after a kill. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
}

/** The command as it is written here. */
const WRITTEN: readonly string[] = [process.execPath, resolve(import.meta.dirname, '../../src/main.ts')];

/** Runs `serve` as an operator would: by environment variables. */
export async function startGatewayProcess(
  upstreamUri: string,
  databasePath: string,
  env: Readonly<Record<string, string | undefined>> = {},
  [program = '', ...args]: readonly string[] = WRITTEN,
): Promise<GatewayProcess> {
  const child = spawn(program, [...args, 'serve'], {
    env: {
      PATH: process.env['PATH'],
      MLFLOW_AUTH_UPSTREAM_URI: upstreamUri,
      MLFLOW_AUTH_DATABASE_URI: `sqlite:///${databasePath}`,
      MLFLOW_AUTH_PORT: '0',
      MLFLOW_AUTH_ADMIN_PASSWORD: ADMIN.password,
      MLFLOW_AUTH_PASSWORD_ROUNDS: '4',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  let output = '';
  let complaint = '';
  child.stderr.on('data', (chunk) => {
    complaint += chunk;
  });
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const url = await new Promise<string>((found, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const { url } = line.startsWith('{') ? (JSON.parse(line) as { url?: unknown }) : {};
      if (typeof url === 'string') {
        found(url);
      }
    });
    void exited.then(([code]) => reject(new Error(`the gateway ended with ${code}: ${complaint}`)));
  });
  return {
    url,
    pid: child.pid ?? 0,
    output: () => output,
    async end(signal) {
      child.kill(signal);
      const [code] = await exited;
      return code;
    },
  };
}
