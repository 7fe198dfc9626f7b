import { createExperiment, type Person, type TestGateway } from './gateway.ts';

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
