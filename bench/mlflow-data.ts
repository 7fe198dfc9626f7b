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

/** When MLflow made an experiment, in milliseconds since the epoch. */
export async function madeAt(origin: string, experimentId: string): Promise<number> {
  const answer = await fetch(`${origin}/api/2.0/mlflow/experiments/get?experiment_id=${experimentId}`);
  const { experiment } = (await answer.json()) as { experiment: { creation_time: number } };
  return experiment.creation_time;
}

/** Copies of the first experiment, made when it was, in the database itself: thousands in no time. */
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

/** What is made by {@link createFirstInside}; its copies lie in experiments of their own. */
const INSIDE = {
  trace: [
    ['trace_info', ['request_id', 'experiment_id', 'timestamp_ms'], 'request_id'],
    ['trace_tags', ['request_id'], 'request_id'],
    ['trace_request_metadata', ['request_id'], 'request_id'],
  ],
  loggedModel: [
    ['logged_models', ['model_id', 'experiment_id', 'creation_timestamp_ms'], 'model_id'],
    ['logged_model_tags', ['model_id', 'experiment_id'], 'model_id'],
    ['logged_model_params', ['model_id', 'experiment_id'], 'model_id'],
  ],
  dataset: [
    ['evaluation_datasets', ['dataset_id', 'name', 'created_time'], 'dataset_id'],
    ['evaluation_dataset_tags', ['dataset_id'], 'dataset_id'],
    ['entity_associations', ['source_id', 'destination_id', 'association_id'], 'source_id'],
  ],
} as const;
export type Inside = keyof typeof INSIDE;
const PREFIX = { trace: 'tr', loggedModel: 'm', dataset: 'd' } as const satisfies Record<Inside, string>;

/** Makes a trace, a logged model and a dataset in experiment 1; answers their ids. */
export async function createFirstInside(origin: string): Promise<Readonly<Record<Inside, string>>> {
  const trace_id = `tr-${'f'.repeat(32)}`;
  const trace_info = {
    ...{ trace_id, request_time: '2026-01-01T00:00:00.000Z', execution_duration: '0.5s', state: 'OK' },
    trace_location: traceLocation('1'),
    request_preview: '{"question": "what is asked"}',
    response_preview: '{"answer": "what is said"}',
    trace_metadata: { 'mlflow.trace_schema.version': '3', 'mlflow.source.name': 'app.py' },
    tags: { 'mlflow.traceName': 'predict' },
  };
  await post(origin, '3.0/mlflow/traces', { trace: { trace_info } });
  const pairs = [{ key: 'a', value: 'b' }];
  const logged = { experiment_id: '1', name: 'logged', params: pairs, tags: pairs };
  const { model } = await post(origin, '2.0/mlflow/logged-models', logged);
  const made = { name: 'dataset', experiment_ids: ['1'], tags: '{"a": "b"}' };
  const { dataset } = await post(origin, '3.0/mlflow/datasets/create', made);
  return {
    trace: trace_id,
    loggedModel: (model as { info: { model_id: string } }).info.model_id,
    dataset: (dataset as { dataset_id: string }).dataset_id,
  };
}

export function traceLocation(experiment_id: string) {
  return { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id } };
}

/** Copies of one of these, in experiments 1 to `experiments` in turn, each later than the one before. */
export function addInside(
  file: string,
  what: Inside,
  first: string,
  count: number,
  experiments: number,
): void {
  const db = new Sqlite(file);
  const copies = INSIDE[what].map(([name, changed, key]) => ({
    changed,
    copy: copier(db, name, changed, `${key} = '${first}'`),
  }));
  db.transaction(() => {
    for (let index = 0; index < count; index += 1) {
      const id = `${PREFIX[what]}-${index.toString(16).padStart(32, '0')}`;
      const experiment = (index % experiments) + 1;
      const time = 1_800_000_000_000 + index;
      const values: Readonly<Record<string, string | number>> = {
        ...{
          request_id: id,
          model_id: id,
          dataset_id: id,
          source_id: id,
          association_id: `a-${id.slice(2)}`,
        },
        ...{ experiment_id: experiment, destination_id: String(experiment), name: `dataset ${index}` },
        ...{ timestamp_ms: time, creation_timestamp_ms: time, created_time: time },
      };
      for (const { changed, copy } of copies) {
        copy(...changed.map((column) => values[column] ?? ''));
      }
    }
  })();
  db.close();
}

/** Inserts what stood in the rows that match, with other values in some columns. */
function copier(db: Sqlite.Database, name: string, changed: readonly string[], where: string) {
  // Read once: not every table has an index for it.
  const rows = db.prepare(`select * from ${name} where ${where}`).all() as Record<string, unknown>[];
  const columns = Object.keys(rows[0] ?? {});
  const places = columns.map((column) => `@${column}`).join(', ');
  const statement = db.prepare(`insert into ${name} (${columns.join(', ')}) values (${places})`);
  return (...replaced: (string | number)[]) => {
    const values = Object.fromEntries(changed.map((column, index) => [column, replaced[index]]));
    for (const row of rows) {
      statement.run({ ...row, ...values });
    }
  };
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
