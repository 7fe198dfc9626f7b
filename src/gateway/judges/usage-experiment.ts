import { denied } from '../../errors.ts';
import { usageExperimentOf } from '../../mlflow/ai-gateway/usage-experiment.ts';
import { text } from '../../mlflow/read/json.ts';
import { propertyAt } from '../../mlflow/read/property-at.ts';
import { ask } from '../../mlflow/upstream/ask.ts';
import type { Upstream } from '../../mlflow/upstream/upstream.ts';
import type { Judge } from '../judge/judge.ts';
import type { Special } from './special.ts';

/**
 * Judges the experiment that calls of an endpoint are logged to where the request names none. MLflow then takes the
 * one called `gateway/<endpoint>`, no matter who made it: by making it first, a user could read every call of an endpoint
 * that another makes later, and an endpoint could write into what is not its maker's.
 */
export function usageExperiment(judge: Judge, upstream: Upstream): Special {
  return async (request, caller) => {
    const name = await usageExperimentOf(upstream, request.way.body);
    if (name === undefined) {
      return undefined;
    }
    const found = await ask(
      upstream,
      `/api/2.0/mlflow/experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`,
    );
    const id = text(propertyAt(found, 'experiment.experiment_id'));
    if (id === undefined) {
      return undefined;
    }
    const { allow, because } = judge.onRoot(caller, 'update', { kind: 'experiment', id });
    if (allow) {
      return undefined;
    }
    throw denied(
      `Calls of this endpoint would be logged to the experiment ${JSON.stringify(name)}, which is there already: ` +
        'this needs EDIT on it. Name another experiment_id, or set usage_tracking to false.',
      because,
    );
  };
}
