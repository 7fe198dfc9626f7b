import { join } from 'node:path';
import { type GatewayChild, type GatewaySettings, startGateway } from './gateway.ts';
import { type Population, populate } from './population.ts';

interface Populated extends Pick<GatewaySettings, 'upstreamUri' | 'execArgv'> {
  /** Takes its store and its log. */
  readonly dir: string;
  readonly population: Pick<Population, 'users' | 'grants'>;
}

/** Runs a gateway on a store of its own, with hashes of the lowest cost. */
export async function startPopulated(
  name: string,
  { dir, population, ...settings }: Populated,
): Promise<GatewayChild> {
  const database = join(dir, `${name}.db`);
  await populate(database, { ...population, rounds: 4 });
  return startGateway({ ...settings, database, log: join(dir, `${name}.log`) });
}
