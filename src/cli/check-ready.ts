import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { loadConfig } from '../config/load-config.ts';
import type { Config } from '../config.ts';
import { explain } from './explain.ts';
import { complain, type Io } from './io.ts';

/** Longer than the gateway itself waits for store and MLflow. */
const PATIENCE_MS = 4_500;
const EVERYWHERE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/**
 * `mlflow-auth-gateway check-ready`: asks the gateway that runs on this machine with these settings for its `/ready`, for
 * the health check of a container.
 *
 * @returns the exit code: 0 if it is ready.
 */
export async function checkReady(io: Io): Promise<number> {
  try {
    const { config } = loadConfig({ env: io.env, cwd: io.cwd });
    const { status, text } = await ask(config);
    io.stdout.write(`${text}\n`);
    return status === 200 ? 0 : 1;
  } catch (error) {
    complain(io, explain(error));
    return 1;
  }
}

function ask({ host, port, tls_cert_file: cert }: Config): Promise<{ status: number; text: string }> {
  const request = cert === undefined ? requestHttp : requestHttps;
  const address = EVERYWHERE[host] ?? host;
  return new Promise((resolve, reject) => {
    const asked = request(
      // The certificate is another name's than this machine's own; nothing secret is sent.
      { host: address, port, path: '/ready', timeout: PATIENCE_MS, rejectUnauthorized: false },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => {
          text += chunk;
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      },
    );
    asked.on('timeout', () => asked.destroy(new Error('The gateway does not answer in time.')));
    asked.on('error', reject);
    asked.end();
  });
}
