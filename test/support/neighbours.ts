import type { Config } from '../../src/config.ts';
import { createExperiment, type Person, startGateway, type TestGateway } from './gateway.ts';
import { sharedMlflow } from './mlflow.ts';

/** Two users with an experiment each, who hold nothing of one another's. */
export interface Neighbours {
  readonly alice: Person;
  readonly bob: Person;
  readonly alices: string;
  readonly bobs: string;
}

/** Two users whom nobody else knows, at a gateway that is there. */
export async function newNeighbours(gateway: TestGateway): Promise<Neighbours> {
  const alice = await gateway.person('alice');
  const bob = await gateway.person('bob');
  return { alice, bob, alices: await createExperiment(alice), bobs: await createExperiment(bob) };
}

/** The two, and a gateway of their own in front of a real MLflow. */
export async function startNeighbours(
  version: string,
  overrides: Partial<Record<keyof Config, string>> = {},
): Promise<Neighbours & { readonly gateway: TestGateway }> {
  const gateway = await startGateway((await sharedMlflow(version)).socketUri, overrides);
  return { gateway, ...(await newNeighbours(gateway)) };
}
