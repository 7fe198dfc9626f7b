import { expect, test } from 'vitest';
import { MLFLOW_VERSIONS, runPython, sharedMlflow } from './mlflow.ts';

test.each(MLFLOW_VERSIONS)('stock MLflow %s serves its own client and says its version', async (version) => {
  const { uri } = await sharedMlflow(version);

  expect(await (await fetch(`${uri}/version`)).text()).toBe(version);

  const script = `
import mlflow
with mlflow.start_run() as run:
    mlflow.log_text("hello", "greeting.txt")
print(mlflow.artifacts.load_text(run.info.artifact_uri + "/greeting.txt"))
`;
  expect(await runPython(version, script, { MLFLOW_TRACKING_URI: uri })).toContain('hello\n');
});
