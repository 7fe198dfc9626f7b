import { runClient } from '../../../src/cli/client/run-client.ts';
import { type Ran, run as runIn, type Surroundings } from '../io.ts';

export type { Ran } from '../io.ts';

/** Runs one command line of `mlflow-auth-client` as a shell would, with nothing of this machine's settings. */
export function run(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  { timeoutMs = 10_000, ...surroundings }: Omit<Surroundings, 'env'> & { readonly timeoutMs?: number } = {},
): Promise<Ran> {
  return runIn((io) => runClient(argv, io, { timeoutMs, pollMs: 1 }), { ...surroundings, env });
}
