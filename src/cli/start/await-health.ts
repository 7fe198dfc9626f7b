import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

const PAUSE_MS = 100;
const ANSWER_MS = 5_000;

/**
 * Asks for a page on a unix socket until it answers 200.
 *
 * @throws the signal's reason once it aborts.
 */
export async function awaitHealth(socketPath: string, signal: AbortSignal, path = '/health'): Promise<void> {
  while (!(await isHealthy(socketPath, signal, path))) {
    signal.throwIfAborted();
    await delay(PAUSE_MS);
  }
}

function isHealthy(socketPath: string, signal: AbortSignal, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request(
      // MLflow 3.5 and later answer only to hosts they know.
      { socketPath, path, headers: { host: 'localhost' }, signal, timeout: ANSWER_MS },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode === 200);
      },
    );
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(false));
    asked.end();
  });
}
