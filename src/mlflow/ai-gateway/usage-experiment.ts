import { text } from '../read/json.ts';
import { propertyAt } from '../read/property-at.ts';
import { ask } from '../upstream/ask.ts';
import type { Upstream } from '../upstream/upstream.ts';

/**
 * The name of the experiment that MLflow looks for, and makes if there is none, to log the calls of the endpoint to that
 * a request creates or changes; undefined if it looks for none.
 *
 * @see `create_gateway_endpoint` and `update_gateway_endpoint` in mlflow/store/tracking/gateway/sqlalchemy_mixin.py
 */
export async function usageExperimentOf(
  upstream: Pick<Upstream, 'exchange'>,
  body: Readonly<Record<string, unknown>>,
): Promise<string | undefined> {
  const endpoint = await endpointOf(upstream, body);
  return endpoint === undefined ? undefined : `gateway/${endpoint}`;
}

/** The name of the endpoint whose experiment MLflow would look for by name. */
async function endpointOf(
  upstream: Pick<Upstream, 'exchange'>,
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
