import { propertyAt } from '../../mlflow/read/property-at.ts';
import { existenceTarget, readExistence } from '../../mlflow/things/existence.ts';
import { ask } from '../../mlflow/upstream/ask.ts';
import type { Upstream } from '../../mlflow/upstream/upstream.ts';

/** Experiments by their names: MLflow alone knows them. */
export interface ExperimentNames {
  /** The id of the experiment of a name; undefined if there is none. */
  idOf(name: string): Promise<string | undefined>;
  /** The name of an experiment; undefined if there is none. */
  nameOf(id: string): Promise<string | undefined>;
}

/** @throws ApiError 503 or 504 if MLflow does not answer. */
export function createExperimentNames(upstream: Pick<Upstream, 'exchange'>): ExperimentNames {
  return {
    async idOf(name) {
      const target = existenceTarget('experiment', 'byName', name);
      const found = readExistence(
        'experiment',
        'byName',
        name,
        await upstream.exchange({ method: 'GET', target }),
      );
      if (found === 'unclear') {
        throw new Error(
          `MLflow does not say whether there is an experiment ${JSON.stringify(name)}. Try again.`,
        );
      }
      return found === 'missing' ? undefined : found.id;
    },
    async nameOf(id) {
      const name = propertyAt(
        await ask(upstream, existenceTarget('experiment', 'byId', id)),
        'experiment.name',
      );
      return typeof name === 'string' ? name : undefined;
    },
  };
}
