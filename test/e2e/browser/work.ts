import { createExperiment, createRun, type Person, unique } from '../../support/gateway.ts';

/** What a user has made in MLflow; every name in it, and the text of its artifact, contains `mark`. */
export interface Work {
  readonly mark: string;
  readonly experiment: { readonly id: string; readonly name: string };
  /** Two finished runs with the parameter `depth` (3 and 5), five steps of the metric `loss`, and `notes.txt`. */
  readonly runs: readonly [WorkRun, WorkRun];
  /** A registered model with version 1, made by the first run. */
  readonly model: string;
  /** A skill with version 1, where MLflow has them. */
  readonly skill: string;
}

interface WorkRun {
  readonly id: string;
  readonly name: string;
}

const STEPS = [0, 1, 2, 3, 4];

/**
 * Does as a user what a training script would do, over REST.
 *
 * @param hasSkills - whether this MLflow has a registry of skills.
 */
export async function doWork(by: Person, word: string, hasSkills = false): Promise<Work> {
  const mark = unique(word);
  const name = `${mark}-experiment`;
  const id = await createExperiment(by, name);
  const runs = [
    await doRun(by, { experiment: id, name: `${mark}-first`, depth: '3' }),
    await doRun(by, { experiment: id, name: `${mark}-second`, depth: '5' }),
  ] as const;
  const model = `${mark}-model`;
  await must(by.post('/api/2.0/mlflow/registered-models/create', { name: model, description: mark }));
  await must(
    by.post('/api/2.0/mlflow/model-versions/create', {
      name: model,
      run_id: runs[0].id,
      source: `mlflow-artifacts:/${id}/${runs[0].id}/artifacts`,
      description: `made by ${mark}`,
    }),
  );
  const skill = `${mark}-skill`;
  if (hasSkills) {
    const source = { source_type: 'git', source: 'https://example.com/skills.git', ref: 'main' };
    await must(by.post(`/api/3.0/mlflow/skills/${skill}/versions`, source));
  }
  return { mark, experiment: { id, name }, runs, model, skill };
}

async function doRun(
  by: Person,
  { experiment, name, depth }: { experiment: string; name: string; depth: string },
): Promise<WorkRun> {
  const id = await createRun(by, experiment);
  await must(
    by.post('/api/2.0/mlflow/runs/log-batch', {
      run_id: id,
      params: [{ key: 'depth', value: depth }],
      metrics: STEPS.map((step) => ({ key: 'loss', value: 1 / (step + 1), step, timestamp: step + 1 })),
      tags: [{ key: 'mlflow.runName', value: name }],
    }),
  );
  const artifacts = `/api/2.0/mlflow-artifacts/artifacts/${experiment}/${id}/artifacts`;
  await must(by.send('PUT', `${artifacts}/notes.txt`, { raw: `notes of ${name}` }));
  // The page of a model version reads the model's schema from there.
  await must(by.send('PUT', `${artifacts}/MLmodel`, { raw: 'flavors: {}\n' }));
  await must(by.post('/api/2.0/mlflow/runs/update', { run_id: id, status: 'FINISHED', end_time: 60_000 }));
  return { id, name };
}

async function must(sent: ReturnType<Person['get']>): Promise<void> {
  const { status, text } = await sent;
  if (status !== 200) {
    throw new Error(`${status}: ${text}`);
  }
}
