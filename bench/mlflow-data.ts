import Sqlite from 'better-sqlite3';
import { basic, PASSWORD } from './population.ts';

/** Sends JSON past whatever is measured; answers the reply. */
export async function post(
  origin: string,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Record<string, unknown>> {
  const answer = await fetch(`${origin}/api/${path}`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) {
    throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  }
  return (await answer.json()) as Record<string, unknown>;
}

/** Makes experiment 1 and a run in it with params, metrics and tags; answers the run's id. */
export async function createFirstRun(origin: string): Promise<string> {
  await post(origin, '2.0/mlflow/experiments/create', { name: 'first' });
  const { run } = await post(origin, '2.0/mlflow/runs/create', { experiment_id: '1', start_time: 1 });
  const runId = (run as { info: { run_id: string } }).info.run_id;
  const pairs = (name: string) =>
    Array.from({ length: 6 }, (_, index) => ({ key: `${name}-${index}`, value: `value ${index}` }));
  const metrics = pairs('metric').map(({ key }, step) => ({ key, value: step / 3, timestamp: 1, step }));
  await post(origin, '2.0/mlflow/runs/log-batch', {
    run_id: runId,
    metrics,
    params: pairs('param'),
    tags: pairs('tag'),
  });
  return runId;
}

/** Copies of the first experiment, in the database itself: thousands in no time. */
export function addExperiments(file: string, until: number): void {
  const db = new Sqlite(file);
  const { most } = db.prepare('select max(experiment_id) as most from experiments').get() as { most: number };
  const add = copier(db, 'experiments', ['experiment_id', 'name'], 'experiment_id = 1');
  db.transaction(() => {
    for (let id = most + 1; id <= until; id += 1) {
      add(id, `experiment ${id}`);
    }
  })();
  db.close();
}

/** Makes a registered model, {@link modelName} 1, with a version that comes from a run. */
export async function createFirstModel(origin: string, runId: string): Promise<void> {
  const name = modelName(1);
  await post(origin, '2.0/mlflow/registered-models/create', { name });
  await post(origin, '2.0/mlflow/model-versions/create', {
    name,
    source: `runs:/${runId}/model`,
    run_id: runId,
  });
}

/** Names of registered models, in the order in which they are listed. */
export function modelName(index: number): string {
  return `model-${String(index).padStart(6, '0')}`;
}

/** Copies of the first registered model, with its version. */
export function addModels(file: string, until: number): void {
  const db = new Sqlite(file);
  const { count } = db.prepare('select count(*) as count from registered_models').get() as { count: number };
  const copies = ['registered_models', 'model_versions'].map((name) =>
    copier(db, name, ['name'], `name = '${modelName(1)}'`),
  );
  db.transaction(() => {
    for (let index = count + 1; index <= until; index += 1) {
      for (const copy of copies) {
        copy(modelName(index));
      }
    }
  })();
  db.close();
}

/** Copies of a run with all that was logged to it; answers their ids. */
export function addRuns(file: string, runId: string, count: number): string[] {
  const db = new Sqlite(file);
  const where = `run_uuid = '${runId}'`;
  const copies = ['runs', 'params', 'tags', 'metrics', 'latest_metrics'].map((name) =>
    copier(db, name, ['run_uuid'], where),
  );
  const ids = Array.from({ length: count }, (_, index) => (index + 1).toString(16).padStart(32, '0'));
  db.transaction(() => {
    for (const id of ids) {
      for (const copy of copies) {
        copy(id);
      }
    }
  })();
  db.close();
  return ids;
}

/** Inserts what stands in the rows that match, with other values in some columns. */
function copier(db: Sqlite.Database, name: string, changed: readonly string[], where: string) {
  const columns = (db.pragma(`table_info(${name})`) as { name: string }[]).map((column) => column.name);
  const values = columns.map((column) => (changed.includes(column) ? '?' : column));
  const ordered = columns
    .filter((column) => changed.includes(column))
    .map((column) => changed.indexOf(column));
  const statement = db.prepare(
    `insert into ${name} (${columns.join(', ')}) select ${values.join(', ')} from ${name} where ${where}`,
  );
  return (...replaced: (string | number)[]) => statement.run(ordered.map((index) => replaced[index]));
}

/** A user of MLflow's own basic-auth who may edit some experiments. */
export async function createMlflowUser(origin: string, username: string, experiments: readonly string[]) {
  const admin = basic('admin');
  await post(origin, '2.0/mlflow/users/create', { username, password: PASSWORD }, admin);
  for (const id of experiments) {
    const grant = { username, resource_type: 'experiment', resource_id: id, permission: 'EDIT' };
    await post(origin, '3.0/mlflow/users/permissions/grant', grant, admin);
  }
}
