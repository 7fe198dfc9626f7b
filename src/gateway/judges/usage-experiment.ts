import { denied } from '../../errors.ts';
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
 *
 * @see `create_gateway_endpoint` and `update_gateway_endpoint` in mlflow/store/tracking/gateway/sqlalchemy_mixin.py
 */
export function usageExperiment(judge: Judge, upstream: Upstream): Special {
  return async (request, caller) => {
    const endpoint = await endpointOf(upstream, request.way.body);
    if (endpoint === undefined) {
      return undefined;
    }
    const name = `gateway/${endpoint}`;
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

/** The name of the endpoint whose experiment MLflow would look for by name; undefined if it would look for none. */
async function endpointOf(
  upstream: Upstream,
  { endpoint_id, name, usage_tracking, experiment_id }: Readonly<Record<string, unknown>>,
): Promise<string | undefined> {
  if (text(experiment_id) !== undefined) {
    return undefined;
  }
  const id = text(endpoint_id);
  // A new endpoint is tracked unless it is told not to; MLflow makes a text of a name that is missing.
  if (id === undefined) {
    return usage_tracking === false ? undefined : (text(name) ?? 'None');
  }
  if (usage_tracking !== true) {
    return undefined;
  }
  const found = await ask(
    upstream,
    `/api/3.0/mlflow/gateway/endpoints/get?endpoint_id=${encodeURIComponent(id)}`,
  );
  const logsTo = propertyAt(found, 'endpoint.experiment_id');
  return text(logsTo) === undefined ? (text(name) ?? text(propertyAt(found, 'endpoint.name'))) : undefined;
}
