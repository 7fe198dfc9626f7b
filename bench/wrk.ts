import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Shot } from './job.ts';

/** How wrk is to send requests. */
export interface WrkJob {
  readonly origin: string;
  readonly shot: Shot;
  readonly seconds: number;
  readonly connections: number;
  /** Takes the script that tells wrk what to send. */
  readonly dir: string;
}

/**
 * Requests a second that wrk has answered, all of one kind.
 *
 * @throws Error if one is answered with another status than 2xx.
 */
export function wrk({ origin, shot, seconds, connections, dir }: WrkJob): Promise<number> {
  const script = join(dir, 'wrk.lua');
  const headers = Object.entries(shot.headers).map(([name, value]) => `wrk.headers['${name}'] = '${value}'`);
  writeFileSync(
    script,
    [`wrk.method = '${shot.method}'`, ...headers, `wrk.body = [[${shot.body ?? ''}]]`].join('\n'),
  );
  return new Promise((done, fail) => {
    const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, origin + shot.path];
    const child = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (chunk) => {
      said += chunk;
    });
    child.once('error', fail);
    child.once('exit', () => {
      const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(said)?.[1]);
      if (rate > 0 && !said.includes('Non-2xx')) {
        done(rate);
      } else {
        fail(new Error(said));
      }
    });
  });
}
