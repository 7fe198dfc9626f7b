/** Keys by which MLflow finds, counts, bills or runs are no user's, nor are those that only its next version knows. */
import { beforeAll, describe, expect, test } from 'vitest';
import { createExperiment, createRun, unique } from '../support/gateway.ts';
import { NEWEST } from '../support/mlflow.ts';
import { encodeSpans } from '../support/spans.ts';
import { newTraceId, traceBody } from '../support/traces.ts';
import { useGateway } from '../support/use-gateway.ts';

const A2 = '/api/2.0/mlflow';
const A3 = '/api/3.0/mlflow';

let experiment: string;
let run: string;

const { alice } = useGateway({ version: NEWEST, people: ['alice'] });
beforeAll(async () => {
  experiment = await createExperiment(alice);
  run = await createRun(alice, experiment);
});

const KEYS = [
  'mlflow.gateway.endpointId',
  'mlflow.auth.username',
  'MLflow.Auth.userId ',
  'mlflow.aRuleOfTheNextVersion',
  'mlflow.artifactLocation',
];

describe.each(KEYS)('the key %j', (key) => {
  const tags = [{ key, value: 'x' }];

  test.each<readonly [string, () => Promise<{ readonly status: number }>]>([
    ['a new experiment', () => alice.post(`${A2}/experiments/create`, { name: unique('e'), tags })],
    [
      'an experiment',
      () => alice.post(`${A2}/experiments/set-experiment-tag`, { experiment_id: experiment, ...tags[0] }),
    ],
    ['a new run', () => alice.post(`${A2}/runs/create`, { experiment_id: experiment, tags })],
    ['a run', () => alice.post(`${A2}/runs/set-tag`, { run_id: run, ...tags[0] })],
    ['a run, in a batch', () => alice.post(`${A2}/runs/log-batch`, { run_id: run, tags })],
    ['a new model', () => alice.post(`${A2}/registered-models/create`, { name: unique('m'), tags })],
    [
      'a logged model',
      () => alice.post(`${A2}/logged-models`, { experiment_id: experiment, name: 'm', tags }),
    ],
    [
      'a new trace of MLflow 2',
      () => alice.post(`${A2}/traces`, { experiment_id: experiment, timestamp_ms: 1, tags }),
    ],
    [
      'the metadata of a new trace of MLflow 2',
      () =>
        alice.post(`${A2}/traces`, { experiment_id: experiment, timestamp_ms: 1, request_metadata: tags }),
    ],
    ['a new trace', () => traceWith({ tags: { [key]: 'x' } })],
    ['the metadata of a new trace', () => traceWith({ trace_metadata: { [key]: 'x' } })],
    ['a span, as a tag of its trace', () => spanWith(`mlflow.traceTag.${key}`)],
  ])('is an admin’s on %s', async (_what, send) => {
    expect((await send()).status).toBe(403);
  });

  function traceWith(more: Readonly<Record<string, unknown>>) {
    return alice.post(`${A3}/traces`, traceBody(experiment, newTraceId(), more));
  }

  function spanWith(attribute: string) {
    return alice.send('POST', '/v1/traces', {
      raw: encodeSpans([{ trace: newTraceId().slice('tr-'.length), attributes: { [attribute]: 'x' } }]),
      headers: { 'content-type': 'application/x-protobuf', 'x-mlflow-experiment-id': experiment },
    });
  }
});

test('keys that MLflow and its clients keep as text are anybody’s', async () => {
  for (const key of ['mlflow.note.content', 'mlflow.parentRunId', 'mlflow.user', 'team']) {
    expect((await alice.post(`${A2}/runs/set-tag`, { run_id: run, key, value: 'x' })).status).toBe(200);
  }
});
