import { expect, test } from 'vitest';
import type { Answering } from '../support/fake-upstream.ts';
import { MLFLOW_VERSIONS, runPython } from '../support/mlflow.ts';
import { openGateway } from '../support/use-gateway.ts';

const SCRIPT = `
from mlflow import MlflowClient
print(MlflowClient().get_experiment("1").name)
`;

test.each(MLFLOW_VERSIONS)(
  'the client of MLflow %s tries again while the upstream is away',
  async (version) => {
    let asked = 0;
    const fake: Answering = (request, response) => {
      if (request.headers['x-forwarded-for'] === undefined) {
        // Asked by the gateway itself when it starts.
        response.end('{}');
        return;
      }
      asked += 1;
      if (asked <= 2) {
        request.socket.destroy();
      } else {
        response.end('{"experiment":{"experiment_id":"1","name":"there again","lifecycle_stage":"active"}}');
      }
    };
    const { gateway } = await openGateway({ fake });
    const printed = await runPython(version, SCRIPT, {
      MLFLOW_TRACKING_URI: gateway.url,
      MLFLOW_TRACKING_USERNAME: gateway.admin.username,
      MLFLOW_TRACKING_PASSWORD: gateway.admin.password,
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '3',
      MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: '0',
      MLFLOW_HTTP_REQUEST_BACKOFF_JITTER: '0',
    });
    expect(printed.trim()).toBe('there again');
    expect(asked).toBe(3);
  },
);
