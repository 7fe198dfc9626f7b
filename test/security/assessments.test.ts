/**
 * Invariant 9: MLflow keeps an assessment under the id that the start of a trace says, in the place of another of
 * that id, whichever trace that is of.
 */
import { expect, test } from 'vitest';
import { createExperiment, createRun, grant, grantOn } from '../support/gateway.ts';
import { NEWEST } from '../support/mlflow.ts';
import { newTraceId, startTrace, traceBody } from '../support/traces.ts';
import { useNeighbours } from '../support/use-gateway.ts';

const TRACES = '/api/3.0/mlflow/traces';

const { gateway, alice, bob, homes } = useNeighbours(NEWEST);

const assessment = (more: object = {}) => ({
  assessment_name: 'good',
  feedback: { value: true },
  source: { source_type: 'HUMAN', source_id: 'x' },
  create_time: '2026-01-01T00:00:00Z',
  last_update_time: '2026-01-01T00:00:00Z',
  ...more,
});

test('no trace that is started takes an assessment over', async () => {
  const trace = await startTrace(alice, homes.alice);
  const at = `${TRACES}/${trace}/assessments`;
  const made = await alice.post(at, { assessment: assessment({ trace_id: trace }) });
  const assessment_id = made.json.assessment.assessment_id as string;
  await grant(alice, bob, { experiment: homes.alice }, 'READ');
  const before = (await alice.get(`${at}/${assessment_id}`)).text;
  const own = await startTrace(bob, homes.bob);
  for (const named of [{ assessment_id }, { assessmentId: assessment_id }]) {
    const stolen = assessment({ ...named, feedback: { value: false } });
    for (const id of [newTraceId(), own]) {
      const { status } = await bob.post(
        TRACES,
        traceBody(homes.bob, id, { assessments: [assessment(), stolen] }),
      );
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
    traceBody(homes.bob, newTraceId(), { assessments: [assessment()] }),
  );
  expect([status, json.trace.trace_info.assessments.length]).toEqual([200, 1]);
});

test('no assessment is deleted with a run of another experiment', async () => {
  const shared = await createExperiment(alice);
  const trace = await startTrace(alice, shared);
  await grant(alice, bob, { experiment: shared }, 'EDIT');
  const at = `${TRACES}/${trace}/assessments`;
  const [home, foreign] = [await createRun(bob, shared), await createRun(bob, homes.bob)];
  const from = (run: unknown, key = 'mlflow.assessment.sourceRunId') =>
    assessment({ trace_id: trace, metadata: { [key]: run } });
  const { assessment_id } = (await alice.post(at, { assessment: from(home) })).json.assessment;

  for (const key of ['mlflow.assessment.sourceRunId', 'MLFLOW.Assessment.sourceRunID']) {
    for (const [run, status] of [
      [foreign, 403],
      [foreign.toUpperCase(), 400],
      ['', 400],
    ] as const) {
      const asked = from(run, key);
      expect((await bob.post(at, { assessment: asked })).status).toBe(status);
      const change = { assessment: { ...asked, assessment_id }, update_mask: 'metadata' };
      expect((await bob.patch(`${at}/${assessment_id}`, change)).status).toBe(status);
      const start = traceBody(shared, newTraceId(), { assessments: [from(run, key)] });
      expect((await bob.post(TRACES, start)).status).toBe(status);
    }
  }
  const deleted = await bob.post('/api/2.0/mlflow/runs/delete', { run_id: foreign });
  expect(deleted.status).toBe(200);
  expect((await alice.get(`${at}/${assessment_id}`)).status).toBe(200);
});

test('a run that made assessments is deleted by those who may delete them', async () => {
  const carol = await gateway.person('carol');
  await grant(alice, carol, { experiment: homes.alice }, 'MANAGE');
  const run_id = await createRun(carol, homes.alice);
  await grantOn(gateway.admin, carol, 'assessment', '*', 'READ');
  const remove = async () => (await carol.post('/api/2.0/mlflow/runs/delete', { run_id })).status;
  expect(await remove()).toBe(403);
  const revoked = { username: carol.username, resource_type: 'assessment', resource_id: '*' };
  await gateway.admin.post('/api/3.0/mlflow/users/permissions/revoke', revoked);
  expect(await remove()).toBe(200);
});
