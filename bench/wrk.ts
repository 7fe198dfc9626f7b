import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Shot } from './job.ts';

/** How wrk is to send requests. */
export interface WrkJob {
  readonly origin: string;
  readonly shot: Shot;
  readonly connections: number;
  /** Takes the script that tells wrk what to send. */
  readonly dir: string;
}

/** A wrk that sends until it is stopped. */
export interface Wrk {
  pause(): void;
  goOn(): void;
  /** What it has to say is lost: who wants to know whether all was well asks {@link wrk} first. */
  stop(): void;
}

/** Longer than any measurement. */
const FOREVER = '10h';

/**
 * Requests a second that wrk has answered, all of one kind.
 *
 * @throws Error if one is answered with another status than 2xx.
 */
export async function wrk({ seconds, ...job }: WrkJob & { readonly seconds: number }): Promise<number> {
  return rateOf(await said(start(job, `${seconds}s`)));
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) {
    child.kill('SIGKILL');
  }
});

/** Starts wrk, which sends at once. */
export function startWrk(job: WrkJob): Wrk {
  const child = start(job, FOREVER);
  running.add(child);
  return {
    pause: () => void child.kill('SIGSTOP'),
    goOn: () => void child.kill('SIGCONT'),
    stop() {
      // It sleeps through an interrupt that comes to another of its threads.
      child.kill('SIGKILL');
      running.delete(child);
    },
  };
}

let scripts = 0;

function start({ origin, shot, connections, dir }: WrkJob, duration: string): ChildProcess {
  scripts += 1;
  const script = join(dir, `wrk-${scripts}.lua`);
  const headers = Object.entries(shot.headers).map(([name, value]) => `wrk.headers['${name}'] = '${value}'`);
  writeFileSync(
    script,
    [`wrk.method = '${shot.method}'`, ...headers, `wrk.body = [[${shot.body ?? ''}]]`].join('\n'),
  );
  const args = ['-t1', `-c${connections}`, `-d${duration}`, '-s', script, origin + shot.path];
  return spawn('wrk', args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function said(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.on('data', (chunk) => {
    text += chunk;
  });
  await once(child, 'close');
  return text;
}

function rateOf(text: string): number {
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]);
  if (!(rate > 0) || text.includes('Non-2xx')) {
    throw new Error(text);
  }
  return rate;
}
