import { pino } from 'pino';
import { loadConfig } from '../config/load-config.ts';
import { startServer } from '../server.ts';
import { explain } from './explain.ts';
import { logDestination } from './log-destination.ts';
import { showOnce } from './show-once.ts';
import { unusedAdminPassword } from './unused-admin-password.ts';

/** What helps when every admin's password is lost. */
const WAY_BACK_IN = 'mlflow-auth-gateway create-admin NAME sets a password on the store itself';

/** `npm run serve`: the gateway alone, in the foreground, until SIGTERM or SIGINT. */
export async function serve(): Promise<void> {
  try {
    const { config, warnings } = loadConfig({ env: process.env, cwd: process.cwd() });
    const logger = pino({ level: config.log_level }, logDestination({ sync: false }));
    for (const warning of warnings) {
      logger.warn(warning);
    }
    const server = await startServer(config, { logger });
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        void server.close().then(() => {
          logger.flush(() => process.exit(0));
        });
      });
    }
    logger.info({ url: server.url, upstream: config.upstream_uri }, 'the gateway is listening');
    logger.info(`nobody can sign in any more? ${WAY_BACK_IN}`);
    logger.flush();
    if (server.firstAdmin !== undefined) {
      process.stdout.write(`\nThe first administrator was created. ${showOnce(server.firstAdmin)}\n`);
    }
    const unused = await unusedAdminPassword(config, server.store);
    if (unused !== undefined) {
      logger.warn(unused);
    }
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    process.exitCode = 1;
  }
}
