/** What MLflow is not given: settings of the gateway, secrets among them, and of clients on this machine. */
const WITHHELD = /^(MLFLOW_|_MLFLOW_|UVICORN_|GUNICORN_|WEB_CONCURRENCY$|PYTHON(PATH|HOME|STARTUP)$)/;

/** The environment for a stock MLflow: this process's own, less what would change or expose it, telemetry off. */
export function upstreamEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !WITHHELD.test(name));
  return {
    ...Object.fromEntries(kept),
    PYTHONUNBUFFERED: '1',
    MLFLOW_DISABLE_TELEMETRY: 'true',
    DO_NOT_TRACK: 'true',
  };
}
