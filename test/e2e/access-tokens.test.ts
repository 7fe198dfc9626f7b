/** MLflow's own clients sign in by the access token of a provider in MLFLOW_TRACKING_TOKEN, with the rights of its groups. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createExperiment, grantOn, unique } from '../support/gateway.ts';
import { MLFLOW_VERSIONS, runPython } from '../support/mlflow.ts';
import { AUDIENCE, type FakeProvider, startFakeProvider } from '../support/provider.ts';
import { STATUS } from '../support/python-status.ts';
import { useGateway } from '../support/use-gateway.ts';

let provider: FakeProvider;
beforeAll(async () => {
  provider = await startFakeProvider();
});
afterAll(() => provider.close());

const TRAINING = `
import json, os, mlflow
from mlflow import MlflowClient
${STATUS}
told = json.loads(os.environ["TOLD"])
client = MlflowClient()
run_id = client.create_run(told["shared"]).info.run_id
client.log_metric(run_id, "loss", 1.0)
client.log_text(run_id, "hello", "notes/a.txt")
assert mlflow.artifacts.load_text(f"runs:/{run_id}/notes/a.txt") == "hello"
own = mlflow.set_experiment(told["own"]).experiment_id
print(json.dumps({
    "hidden": status(lambda: client.get_experiment(told["hidden"])),
    "seen": sorted(e.experiment_id for e in client.search_experiments() if e.experiment_id in [told["shared"], told["hidden"], own]) == sorted([told["shared"], own]),
}))
`;

describe.each(MLFLOW_VERSIONS)('MLflow %s', (version) => {
  const { gateway, admin } = useGateway({
    version,
    settings: async () => ({
      default_permission: 'NO_PERMISSIONS',
      oidc: { sso: { issuer: provider.uri, audience: AUDIENCE } },
    }),
  });

  test('a training by a token of a provider', async () => {
    const [shared, hidden] = [await createExperiment(admin), await createExperiment(admin)];
    const group = unique('group');
    const made = await admin.post('/api/3.0/mlflow/roles/create', {
      ...{ name: group, workspace: 'default', provider: 'sso' },
    });
    await admin.post('/api/3.0/mlflow/roles/permissions/add', {
      role_id: made.json.role.id,
      ...{ resource_type: 'experiment', resource_pattern: shared, permission: 'EDIT' },
    });
    const name = unique('trainer');
    const token = await provider.sign({ sub: `id of ${name}`, preferred_username: name, groups: [group] });
    const told = { shared, hidden, own: unique('own') };
    const said = await runPython(version, TRAINING, {
      MLFLOW_TRACKING_URI: gateway.url,
      MLFLOW_TRACKING_TOKEN: token,
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
      TOLD: JSON.stringify(told),
    });
    expect(JSON.parse(said.trim().split('\n').at(-1) ?? '')).toEqual({ hidden: 403, seen: true });
    // What it made is its own, as anybody's.
    await grantOn(admin, { ...admin, username: name }, 'experiment', hidden, 'READ');
  });
});
