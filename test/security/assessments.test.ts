/**
 * Invariant 9: MLflow keeps an assessment under the id that the start of a trace says, in the place of another of
 * that id, whichever trace that is of.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { grant, type Person, type TestGateway } from '../support/gateway.ts';
import { NEWEST } from '../support/mlflow.ts';
import { startNeighbours } from '../support/neighbours.ts';
import { newTraceId, startTrace, traceBody } from '../support/traces.ts';

const TRACES = '/api/3.0/mlflow/traces';

let gateway: TestGateway;
let alice: Person;
let bob: Person;
let alices: string;
let bobs: string;

beforeAll(async () => {
  ({ gateway, alice, bob, alices, bobs } = await startNeighbours(NEWEST));
});
afterAll(() => gateway.close());

const assessment = (more: object = {}) => ({
  assessment_name: 'good',
  feedback: { value: true },
  source: { source_type: 'HUMAN', source_id: 'x' },
  create_time: '2026-01-01T00:00:00Z',
  last_update_time: '2026-01-01T00:00:00Z',
  ...more,
});

test('no trace that is started takes an assessment over', async () => {
  const trace = await startTrace(alice, alices);
  const at = `${TRACES}/${trace}/assessments`;
  const made = await alice.post(at, { assessment: assessment({ trace_id: trace }) });
  const assessment_id = made.json.assessment.assessment_id as string;
  await grant(alice, bob, { experiment: alices }, 'READ');
  const before = (await alice.get(`${at}/${assessment_id}`)).text;
  const own = await startTrace(bob, bobs);
  for (const named of [{ assessment_id }, { assessmentId: assessment_id }]) {
    const stolen = assessment({ ...named, feedback: { value: false } });
    for (const id of [newTraceId(), own]) {
      const { status } = await bob.post(TRACES, traceBody(bobs, id, { assessments: [assessment(), stolen] }));
      expect(status).toBe(400);
    }
    // MLflow refuses this itself.
    const { status } = await bob.post(`${TRACES}/${own}/assessments`, {
      assessment: { ...stolen, trace_id: own },
    });
    expect(status).toBeGreaterThanOrEqual(400);
  }
  expect((await alice.get(`${at}/${assessment_id}`)).text).toBe(before);
});

test('a trace is started with assessments of its own', async () => {
  const { status, json } = await bob.post(
    TRACES,
    traceBody(bobs, newTraceId(), { assessments: [assessment()] }),
  );
  expect([status, json.trace.trace_info.assessments.length]).toEqual([200, 1]);
});
