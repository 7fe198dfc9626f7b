import type { Writable } from 'node:stream';
import { type LoadedConfig, loadConfig } from '../config.ts';
import { printable } from './client/render-table.ts';
import type { Stdin } from './client/secrets.ts';
import { explain } from './serve.ts';

/** Everything that the commands on the store touch outside of it. */
export interface CommandIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the configuration is looked for, and where relative files start. */
  readonly cwd: string;
  readonly stdin: Stdin;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Source of randomness, for generated passwords. */
  readonly random: (bytes: number) => Buffer;
}

/**
 * Runs one command with the configuration of the server, so that both mean the same store. What goes wrong is
 * one sentence on standard error, without a stack.
 *
 * @returns the exit code: 0 done, 1 not, or what the command itself answers.
 */
export async function runCommand(
  io: CommandIo,
  work: (loaded: LoadedConfig) => Promise<number | undefined>,
): Promise<number> {
  try {
    return (await work(loadConfig({ env: io.env, cwd: io.cwd }))) ?? 0;
  } catch (error) {
    complain(io, explain(error));
    return exitCodeOf(error);
  }
}

/** One line on standard error. Lines of a list of problems stay lines. */
export function complain(io: CommandIo, text: string): void {
  io.stderr.write(`${text.split('\n').map(printable).join('\n')}\n`);
}

function exitCodeOf(error: unknown): number {
  return error instanceof Error && 'exitCode' in error && typeof error.exitCode === 'number'
    ? error.exitCode
    : 1;
}
