/** An MLflow that had workspaces is started without them: what lies in `default` has its files where they were. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createExperiment, createRun, type Person, startGateway } from '../support/gateway.ts';
import { NEWEST, startMlflow } from '../support/mlflow.ts';
import { useDirectory } from '../support/use-directory.ts';
import { inWorkspace } from '../support/workspaces.ts';

const API = '/api/2.0/mlflow';
const dir = useDirectory('workspaces-off');

async function started(args: readonly string[]) {
  const mlflow = await startMlflow({ version: NEWEST, dir, args });
  const gateway = await startGateway(mlflow.socketUri, {
    database_uri: `sqlite:///${join(dir, 'gateway.db')}`,
    grant_default_workspace_access: 'true',
    default_permission: 'USE',
  });
  return {
    gateway,
    async close() {
      await gateway.close();
      await mlflow.stop();
    },
  };
}

/** Where the files of a run are, as MLflow's client asks for them. */
async function filesOf(by: Person, runId: string): Promise<string> {
  const { json } = await by.get(`${API}/runs/get?run_id=${runId}`);
  const address: string = json.run.info.artifact_uri;
  return `/api/2.0/mlflow-artifacts/artifacts/${address.replace(/^mlflow-artifacts:\/+/, '')}`;
}

test('owners have their files, others do not, before and after', async () => {
  const before = await started(['--enable-workspaces']);
  const alice = await before.gateway.person('alice');
  const bob = await before.gateway.person('bob');
  const experiment = await createExperiment(alice);
  const run = await createRun(alice, experiment);
  const files = await filesOf(alice, run);
  expect((await alice.send('PUT', `${files}/note.txt`, { raw: 'kept' })).status).toBe(200);
  expect((await alice.get(`${files}/note.txt`)).text).toBe('kept');
  await before.close();

  const after = await started([]);
  const { gateway } = after;
  const [owner, other] = [alice, bob].map(({ username, password }) => gateway.as(username, password));
  if (owner === undefined || other === undefined) {
    throw new Error('nobody');
  }
  expect(await filesOf(owner, run)).toBe(files);
  expect((await owner.get(`${files}/note.txt`)).text).toBe('kept');
  expect((await owner.send('PUT', `${files}/later.txt`, { raw: 'later' })).status).toBe(200);
  expect((await other.send('PUT', `${files}/later.txt`, { raw: 'not his' })).status).toBe(403);
  const later = await createRun(owner, experiment);
  expect((await owner.get(`${await filesOf(owner, later)}/none.txt`)).status).toBe(404);
  // What is named is refused, not dropped.
  expect((await inWorkspace(owner, 'team').get(`${API}/runs/get?run_id=${run}`)).status).toBe(400);
  await after.close();
}, 180_000);
