import { expect, test } from 'vitest';
import { upstreamEnvironment } from '../../../src/cli/start/upstream-environment.ts';

test('MLflow gets neither the gateway’s secrets nor a client’s settings, and sends no telemetry', () => {
  const env = upstreamEnvironment({
    PATH: '/bin',
    AWS_PROFILE: 'kept for its artifact store',
    MLFLOW_AUTH_ADMIN_PASSWORD: 'secret',
    MLFLOW_TRACKING_URI: 'http://elsewhere',
    MLFLOW_TRACKING_PASSWORD: 'secret',
    MLFLOW_BACKEND_STORE_URI: 'elsewhere',
    _MLFLOW_SERVER_ARTIFACT_ROOT: 'elsewhere',
    UVICORN_PORT: '80',
    WEB_CONCURRENCY: '9',
    PYTHONPATH: 'elsewhere',
    MLFLOW_DISABLE_TELEMETRY: 'false',
  });
  expect(env).toEqual({
    PATH: '/bin',
    AWS_PROFILE: 'kept for its artifact store',
    PYTHONUNBUFFERED: '1',
    MLFLOW_DISABLE_TELEMETRY: 'true',
    DO_NOT_TRACK: 'true',
  });
});
