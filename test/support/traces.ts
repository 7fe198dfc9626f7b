import { randomBytes } from 'node:crypto';
import type { Person } from './gateway.ts';

/** A trace id as MLflow 3 makes them, of nothing yet. */
export const newTraceId = () => `tr-${randomBytes(16).toString('hex')}`;

/** The body of StartTraceV3. */
export function traceBody(
  experimentId: string,
  traceId: string,
  more: Readonly<Record<string, unknown>> = {},
) {
  return {
    trace: {
      trace_info: {
        trace_id: traceId,
        trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experimentId } },
        request_time: '2024-01-01T00:00:00Z',
        state: 'OK',
        ...more,
      },
    },
  };
}

/** Starts a trace by the API of MLflow 3; answers its id. */
export async function startTrace(by: Person, experimentId: string, traceId = newTraceId()): Promise<string> {
  const answer = await by.post('/api/3.0/mlflow/traces', traceBody(experimentId, traceId));
  if (answer.status !== 200) {
    throw new Error(`no trace: ${answer.text}`);
  }
  return traceId;
}

/** Starts a trace by the API of MLflow 2; answers its id. */
export async function startTraceV2(by: Person, experimentId: string): Promise<string> {
  const answer = await by.post('/api/2.0/mlflow/traces', {
    experiment_id: experimentId,
    timestamp_ms: 1,
    request_metadata: [],
    tags: [],
  });
  if (answer.status !== 200) {
    throw new Error(`no trace: ${answer.text}`);
  }
  return answer.json.trace_info.request_id;
}
