import { type LoadedConfig, loadConfig } from '../config/load-config.ts';
import { explain } from './explain.ts';
import { CommandFailure } from './failure.ts';
import { complain, type Io } from './io.ts';
import { withStoreOfStart } from './store-of-start.ts';

/**
 * Runs one command on the store with the configuration of the server, so that both mean the same one. What goes wrong is
 * one sentence on standard error, without a stack.
 *
 * @returns the exit code: 0 done, 1 not, or what the command itself answers.
 */
export async function runCommand(
  io: Io,
  work: (loaded: LoadedConfig) => Promise<number | undefined>,
): Promise<number> {
  try {
    return (await work(await withStoreOfStart(loadConfig({ env: io.env, cwd: io.cwd }), io.cwd))) ?? 0;
  } catch (error) {
    complain(io, explain(error));
    return error instanceof CommandFailure ? error.exitCode : 1;
  }
}
