import { pino } from 'pino';
import { ConfigError, loadConfig } from '../config.ts';
import { startServer } from '../server.ts';
import { logDestination } from './log-destination.ts';
import { showOnce } from './show-once.ts';

/** `npm run serve`: the gateway alone, in the foreground, until SIGTERM or SIGINT. */
export async function serve(): Promise<void> {
  try {
    const { config, warnings } = loadConfig({ env: process.env, cwd: process.cwd() });
    const logger = pino({ level: config.log_level }, logDestination({ sync: false }));
    for (const warning of warnings) logger.warn(warning);
    const server = await startServer(config, { logger });
    logger.info({ url: server.url, upstream: config.upstream_uri }, 'the gateway is listening');
    logger.flush();
    if (server.firstAdmin !== undefined) {
      process.stdout.write(`\nThe first administrator was created. ${showOnce(server.firstAdmin)}\n`);
    }
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        void server.close().then(() => {
          logger.flush(() => process.exit(0));
        });
      });
    }
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    process.exitCode = 1;
  }
}

/** One sentence for whoever started it. */
export function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (!(error instanceof Error)) return String(error);
  return listenProblem(error) ?? error.message;
}

/** @see https://nodejs.org/api/net.html#serverlisten for what its errors carry. */
function listenProblem(error: Error): string | undefined {
  const { syscall, code, hostname, address, port } = error as NodeJS.ErrnoException & {
    readonly hostname?: string;
    readonly address?: string;
    readonly port?: number;
  };
  // MLflow's host is looked up too, but what comes of that is an ApiError by then.
  if (syscall === 'getaddrinfo')
    return `${hostname} is not a host that is known (${code}). Set MLFLOW_AUTH_HOST.`;
  if (syscall !== 'listen') return undefined;
  if (code === 'EADDRINUSE') return `Port ${port} on ${address} is taken. Set another with MLFLOW_AUTH_PORT.`;
  if (code === 'EADDRNOTAVAIL')
    return `${address} is not an address of this machine. Set another with MLFLOW_AUTH_HOST.`;
  if (code === 'EACCES')
    return `The gateway may not listen on ${address}:${port}. Set another port with MLFLOW_AUTH_PORT.`;
  return undefined;
}
