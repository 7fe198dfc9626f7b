import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Job, Result } from './job.ts';

export const ROOT = resolve(import.meta.dirname, '..');
const READY_MS = 60_000;
const STOP_MS = 5_000;

/** Something that was started for the benchmark and is ended with it. */
export interface Child {
  readonly pid: number;
  /** What it said when it was ready: an address, if it has one. */
  readonly said: string;
  readonly process: ChildProcess;
}

const children = new Set<ChildProcess>();

/**
 * Starts a script of bench/processes, or another, and waits until it says over IPC that it is ready.
 *
 * @throws Error if it ends first, or says nothing for a minute.
 */
export async function startChild(
  script: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; log?: string; execArgv?: string[] } = {},
): Promise<Child> {
  const child = launch(join(ROOT, script), args, options);
  const said = await within(READY_MS, script, message(child));
  return { pid: child.pid ?? 0, said: String(said), process: child };
}

/** The same without the waiting, for a program that does not speak IPC. */
export function launch(
  script: string,
  args: readonly string[],
  { env = process.env, log, execArgv = [] }: { env?: NodeJS.ProcessEnv; log?: string; execArgv?: string[] },
): ChildProcess {
  const output = log === undefined ? 'inherit' : openSync(log, 'a');
  const child = fork(script, args, { env, execArgv, stdio: ['ignore', output, output, 'ipc'] });
  if (typeof output === 'number') {
    closeSync(output);
  }
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** Ends one child: politely, and by force if that takes long. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  const gone = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await gone;
  clearTimeout(force);
}

/** Ends every child that is still there. */
export async function stopAll(): Promise<void> {
  await Promise.all([...children].map(stop));
}

function message(child: ChildProcess): Promise<unknown> {
  return new Promise((done, fail) => {
    const ended = (code: number | null) => fail(new Error(`a process of the benchmark ended with ${code}`));
    child.once('exit', ended);
    child.once('message', (said) => {
      child.off('exit', ended);
      done(said);
    });
  });
}

async function within<T>(milliseconds: number, what: string, wanted: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`${what} took longer than ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([wanted, late]);
  } finally {
    clearTimeout(timer);
  }
}

export type Load = (job: Job) => Promise<Exclude<Result, { failed: string }>>;

/** Starts the load generator; jobs run one after the other. */
export async function startLoad(): Promise<Load> {
  const { process: child } = await startChild('bench/processes/load.ts', []);
  return async (job) => {
    const answer = message(child) as Promise<Result>;
    child.send(job);
    const result = await within((job.seconds + 130) * 1000, 'the load generator', answer);
    if ('failed' in result) {
      throw new Error(result.failed);
    }
    return result;
  };
}
