import type { Logger } from 'pino';
import { loadConfig } from '../config/load-config.ts';
import { tuneHeap } from '../heap.ts';
import { type RunningServer, startServer } from '../server.ts';
import { explain } from './explain.ts';
import { openLog } from './log.ts';
import { showOnce } from './show-once.ts';
import { unusedAdminPassword } from './unused-admin-password.ts';

/** What helps when every admin's password is lost. */
const WAY_BACK_IN = 'mlflow-auth-gateway create-admin NAME sets a password on the store itself';

/** `npm run serve`: the gateway alone, in the foreground, until SIGTERM or SIGINT. */
export async function serve(): Promise<void> {
  tuneHeap();
  try {
    const { config, warnings } = loadConfig({ env: process.env, cwd: process.cwd() });
    const logger = await openLog(config.log_level, process.stdout);
    for (const warning of warnings) {
      logger.warn(warning);
    }
    const server = await startServer(config, { logger });
    heedSignals(server, logger, () => logger.flush(() => process.exit(0)));
    logger.info({ url: server.url, upstream: config.upstream_uri }, 'the gateway is listening');
    logger.info(`nobody can sign in any more? ${WAY_BACK_IN}`);
    logger.flush();
    if (server.firstAdmin !== undefined) {
      process.stdout.write(`\nThe first administrator was created. ${showOnce(server.firstAdmin)}\n`);
    }
    const unused = await unusedAdminPassword(config, server.store);
    if (unused !== undefined) {
      logger.warn(unused);
      logger.flush();
    }
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    process.exitCode = 1;
  }
}

/**
 * Ends the gateway at the first SIGTERM or SIGINT. Later ones change nothing: npm and service managers signal the process
 * and its group, and what is under way ends within drain_seconds anyway. SIGHUP has the certificate read anew.
 */
function heedSignals({ close, renew }: RunningServer, logger: Logger, ended: () => void): void {
  let ending = false;
  const end = (signal: NodeJS.Signals) => {
    if (!ending) {
      ending = true;
      logger.info({ signal }, 'the gateway ends: what is under way may end, nothing new is taken');
      logger.flush();
      void close().finally(ended);
    }
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  if (renew !== undefined) {
    process.on('SIGHUP', renew);
  }
}
