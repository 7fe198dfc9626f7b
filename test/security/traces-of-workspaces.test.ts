/**
 * Clients choose the ids of traces. MLflow 3.10 to 3.12 moves the trace that has one, with all that is in it, out of the
 * workspace where it is: what was taken for new there was looked for in the workspace of the request alone.
 */
import { describe, expect, test } from 'vitest';
import { grantOn } from '../support/gateway.ts';
import { encodeSpans } from '../support/spans.ts';
import { newTraceId, traceBody } from '../support/traces.ts';
import { openGateway } from '../support/use-gateway.ts';
import { inWorkspace } from '../support/workspaces.ts';

const TRACES = '/api/3.0/mlflow/traces';
const EXPERIMENT = '7';

/** A gateway in front of an MLflow with a trace in one of its workspaces, `team-b`; alice may log traces in `team-a`. */
async function open(version: string, there: string, statusInB = 200) {
  const { admin, alice, upstream } = await openGateway({
    fake: true,
    version,
    info: { workspaces_enabled: true },
    people: ['alice'],
  });
  const asked: string[] = [];
  const started: unknown[] = [];
  const location = { mlflow_experiment: { experiment_id: '8' } };
  upstream.answer((request, response) => {
    const { method, url = '', headers } = request;
    const workspace = String(headers['x-mlflow-workspace']);
    const answer = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (url === '/api/3.0/mlflow/workspaces') {
      return answer(200, { workspaces: ['default', 'team-a', 'team-b'].map((name) => ({ name })) });
    }
    if (method === 'GET' && url.startsWith(`${TRACES}/`)) {
      asked.push(workspace);
      return url.endsWith(there) && workspace === 'team-b'
        ? answer(statusInB, { trace: { trace_info: { trace_id: there, trace_location: location } } })
        : answer(404, {});
    }
    if (method === 'POST') {
      started.push(url);
    }
    return answer(200, {});
  });
  await grantOn(inWorkspace(admin, 'team-a'), alice, 'experiment', EXPERIMENT, 'EDIT');
  return { alice: inWorkspace(alice, 'team-a'), asked, started };
}

describe.each(['3.10.1', '3.11.1', '3.12.0'])('in front of MLflow %s', (version) => {
  test('a trace of another workspace is started in none', async () => {
    const there = newTraceId();
    const { alice, started } = await open(version, there);
    const taken = await alice.post(TRACES, traceBody(EXPERIMENT, there));
    expect([taken.status, started]).toEqual([403, []]);
    const spans = await alice.send('POST', '/v1/traces', {
      raw: encodeSpans([{ trace: there.slice('tr-'.length) }]),
      headers: { 'content-type': 'application/x-protobuf', 'x-mlflow-experiment-id': EXPERIMENT },
    });
    expect([spans.status, started]).toEqual([403, []]);
    expect((await alice.post(TRACES, traceBody(EXPERIMENT, newTraceId()))).status).toBe(200);
    expect(started).toEqual([TRACES]);
  });

  test('nor one that may be there, where MLflow does not say', async () => {
    const there = newTraceId();
    const { alice, started } = await open(version, there, 500);
    expect((await alice.post(TRACES, traceBody(EXPERIMENT, there))).status).toBe(503);
    expect(started).toEqual([]);
  });
});

test('MLflow 3.13 refuses it by itself, and is asked about the workspace of the request alone', async () => {
  const there = newTraceId();
  const { alice, asked, started } = await open('3.13.0', there);
  await alice.post(TRACES, traceBody(EXPERIMENT, there));
  expect(started).toEqual([TRACES]);
  expect(new Set(asked)).toEqual(new Set(['team-a']));
});
