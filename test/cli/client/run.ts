import { type ClientOptions, runClient } from '../../../src/cli/client/run-client.ts';
import { type Ran, run as runIn, type Surroundings } from '../io.ts';

export type { Ran } from '../io.ts';

/** Runs one command line of `mlflow-auth-client` as a shell would, with nothing of this machine's settings. */
export function run(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  {
    timeoutMs = 10_000,
    waitMs = 10_000,
    openBrowser = () => {},
    ...surroundings
  }: Omit<Surroundings, 'env'> & Partial<Pick<ClientOptions, 'timeoutMs' | 'waitMs' | 'openBrowser'>> = {},
): Promise<Ran> {
  const options = { timeoutMs, pollMs: 1, waitMs, openBrowser, machine: 'laptop' };
  return runIn((io) => runClient(argv, io, options), { ...surroundings, env });
}
