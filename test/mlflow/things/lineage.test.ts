import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CHILD_KINDS } from '../../../src/mlflow/table/row.ts';
import { createLineage, type Lineage } from '../../../src/mlflow/things/lineage.ts';
import { createUpstream, type Upstream } from '../../../src/mlflow/upstream/upstream.ts';

/** Answers in ways that MLflow cannot be brought to; each test says how. */
type Answers = (target: string, body: string, response: ServerResponse) => void;

let server: Server;
let upstream: Upstream;
let lineage: Lineage;
let answers: Answers;
/** The version of MLflow that the server is taken for. */
let version: string | undefined;
/** Milliseconds since the epoch. */
let now = 1_000;
/** What was asked, in order. */
let asked: { target: string; body: string }[];

beforeAll(async () => {
  server = createServer(async (request: IncomingMessage, response) => {
    let body = '';
    for await (const chunk of request) {
      body += chunk;
    }
    asked.push({ target: request.url ?? '', body });
    answers(request.url ?? '', body, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  upstream = createUpstream({
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    timeoutSeconds: 0.2,
    connections: 20,
    clock: () => 0,
  });
});
afterAll(async () => {
  await upstream.close();
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  version = '3.17.2';
  asked = [];
  lineage = createLineage({ ...upstream, version: async () => version });
});

const runId = (number: number) => number.toString(16).padStart(32, '0');
const TRACE = `tr-${runId(1)}`;

const json =
  (status: number, body: unknown): Answers =>
  (_target, _body, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
const RUN_IN_2: Answers = json(200, { run: { info: { run_id: runId(1), experiment_id: '2' } } });
const TRACE_IN_2: Answers = json(200, {
  trace: { trace_info: { trace_location: { mlflow_experiment: { experiment_id: '2' } } } },
});

/** Answers the GraphQL of a batch of runs with the number of each as its experiment. */
const byGraphql: Answers = (target, body, response) => {
  if (target !== '/graphql') {
    return json(404, {})(target, body, response);
  }
  const { query } = JSON.parse(body) as { query: string };
  const fields = [...query.matchAll(/(\w+):mlflowGetRun\(input:\{runId:"(\w+)"\}\)/g)];
  const data = Object.fromEntries(
    fields.map(([, alias, id = '']) => [
      alias,
      { run: { info: { runId: id, experimentId: String(Number.parseInt(id, 16)) } } },
    ]),
  );
  json(200, { data })(target, body, response);
};

describe('the experiment of a run', () => {
  test('runs asked for at once are asked for in batches of ten', async () => {
    answers = byGraphql;
    const numbers = Array.from({ length: 25 }, (_, index) => index + 1);
    const roots = await Promise.all(numbers.map((number) => lineage.rootsOf('run', runId(number))));
    expect(roots).toEqual(numbers.map((number) => [{ kind: 'experiment', id: String(number) }]));
    expect(asked.map(({ body }) => body.match(/mlflowGetRun/g)?.length)).toEqual([10, 10, 5]);
  });

  test('a run asked for twice at once is asked for once, and never again', async () => {
    answers = byGraphql;
    await Promise.all([lineage.rootsOf('run', runId(1)), lineage.rootsOf('run', runId(1))]);
    await lineage.rootsOf('run', runId(1));
    expect(asked[0]?.body.match(/mlflowGetRun/g)).toHaveLength(1);
    expect(asked).toHaveLength(1);
  });

  test('what a reply has told is not asked for', () => {
    lineage.learn('run', runId(1), '7');
    expect(lineage.rootsOf('run', runId(1))).toEqual([{ kind: 'experiment', id: '7' }]);
    expect(asked).toEqual([]);
  });

  test('a run that is not there is asked for again the next time', async () => {
    answers = json(404, {});
    expect(await lineage.rootsOf('run', runId(1))).toBeUndefined();
    answers = byGraphql;
    expect(await lineage.rootsOf('run', runId(1))).toEqual([{ kind: 'experiment', id: '1' }]);
  });

  test('an answer about another run does not count', async () => {
    answers = (target, body, response) => {
      const info = { runId: runId(9), experimentId: '9' };
      if (target === '/graphql') {
        json(200, { data: { r0: { run: { info } } } })(target, body, response);
      } else {
        RUN_IN_2(target, body, response);
      }
    };
    expect(await lineage.rootsOf('run', runId(1))).toEqual([{ kind: 'experiment', id: '2' }]);
  });

  test.each<[string, Answers]>([
    ['is off', json(404, {})],
    ['fails', json(500, {})],
    ['answers with errors alone', json(200, { errors: [{ message: 'no' }] })],
    ['answers with null', json(200, { data: { r0: null } })],
    [
      'answers with a number',
      json(200, { data: { r0: { run: { info: { runId: runId(1), experimentId: 2 } } } } }),
    ],
  ])('where GraphQL %s, the run is asked for by its own route', async (_, graphql) => {
    answers = (target, body, response) =>
      (target === '/graphql' ? graphql : RUN_IN_2)(target, body, response);
    expect(await lineage.rootsOf('run', runId(1))).toEqual([{ kind: 'experiment', id: '2' }]);
  });

  test('an id that is none of MLflow never becomes part of a query', async () => {
    answers = json(404, {});
    await lineage.rootsOf('run', 'a"}){run{info{experimentId}}}');
    expect(asked.map(({ target }) => target.split('?')[0])).toEqual(['/api/2.0/mlflow/runs/get']);
  });
});

describe('a trace', () => {
  const [V3, V2] = [`/api/3.0/mlflow/traces/${TRACE}`, `/api/2.0/mlflow/traces/${TRACE}/info`];
  test.each([
    ['3.17.2', [V3]],
    ['3.1.4', [V2]],
    ['2.15.1', [V2]],
    [undefined, [V3, V2]],
  ])('is asked for by the API of MLflow %s before it counts as new', async (said, targets) => {
    version = said;
    answers = json(404, {});
    expect(await lineage.rootsOf('trace', TRACE)).toBeUndefined();
    expect(asked.map(({ target }) => target)).toEqual(targets);
  });

  test('is asked for every time, as MLflow may move it', async () => {
    answers = TRACE_IN_2;
    await lineage.rootsOf('trace', TRACE);
    lineage.learn('trace', TRACE, '3');
    expect(await lineage.rootsOf('trace', TRACE)).toEqual([{ kind: 'experiment', id: '2' }]);
    await Promise.all([lineage.rootsOf('trace', TRACE), lineage.rootsOf('trace', TRACE)]);
    expect(asked).toHaveLength(4);
  });

  test.each<[string, Answers]>([
    ['refuses the question', json(400, {})],
    ['names no experiment', json(200, { trace: {} })],
    ['names an experiment that is no text', json(200, { trace: 3 })],
  ])('does not count as new if the server %s', async (_, answer) => {
    answers = answer;
    await expect(lineage.rootsOf('trace', TRACE)).rejects.toMatchObject({ status: 503 });
  });
});

test('a dataset belongs to all of its experiments', async () => {
  answers = json(200, { experiment_ids: ['1', '2'] });
  expect(await lineage.rootsOf('dataset', `d-${runId(1)}`)).toEqual([
    { kind: 'experiment', id: '1' },
    { kind: 'experiment', id: '2' },
  ]);
});

test.each([{ experiment_ids: [] }, {}])(
  'a dataset of no experiment, %j, belongs to nothing',
  async (reply) => {
    answers = json(200, reply);
    expect(await lineage.rootsOf('dataset', `d-${runId(1)}`)).toBeUndefined();
  },
);

describe('what outlives its experiment', () => {
  /** When each experiment was made. */
  const madeAt = new Map([
    ['1', 100],
    ['2', 300],
  ]);
  const DATASET = `d-${runId(1)}`;
  const dataset =
    (experiment_ids: string[], last_update_time: unknown): Answers =>
    (target, ...rest) =>
      json(200, target.endsWith('/experiment-ids') ? { experiment_ids } : { dataset: { last_update_time } })(
        target,
        ...rest,
      );

  beforeEach(() => {
    lineage = createLineage(
      { ...upstream, version: async () => version },
      { madeAt: (id) => madeAt.get(id), clock: () => now },
    );
  });

  test.each([
    ['older than one of its experiments', ['1', '2'], 200, ['1']],
    ['older than its experiment', ['2'], 299, []],
    ['as old as its experiment', ['2'], 300, ['2']],
    ['younger, in text as protobuf has it', ['2'], '301', ['2']],
    ['in an experiment of which nothing is known', ['3'], 1, ['3']],
    ['that does not say how old it is', ['2'], undefined, ['2']],
  ])('a dataset %s', async (_, experiments, updated, roots) => {
    answers = dataset(experiments, updated);
    expect(await lineage.rootsOf('dataset', DATASET)).toEqual(
      roots.map((id) => ({ kind: 'experiment', id })),
    );
    expect(asked.map(({ target }) => target).toSorted()).toEqual([
      `/api/3.0/mlflow/datasets/${DATASET}`,
      `/api/3.0/mlflow/datasets/${DATASET}/experiment-ids`,
    ]);
  });

  describe('a dataset that was listed', () => {
    const MINUTE = 60_000;
    const rootsWhenListed = (last_update_time: number) =>
      lineage.rootsOf('dataset', DATASET, { last_update_time });
    const experiments = (...ids: string[]) => ids.map((id) => ({ kind: 'experiment', id }));
    beforeEach(() => {
      now = 10 * MINUTE;
    });

    test('is not asked about again until it is moved', async () => {
      answers = dataset(['1', '3'], MINUTE);
      expect(await rootsWhenListed(MINUTE)).toEqual(experiments('1', '3'));
      answers = dataset(['3'], 2 * MINUTE);
      expect(await rootsWhenListed(MINUTE)).toEqual(experiments('1', '3'));
      expect(asked).toHaveLength(1);
      expect(await rootsWhenListed(2 * MINUTE)).toEqual(experiments('3'));
      expect(asked).toHaveLength(2);
    });

    test('and is then asked for by its id is asked about', async () => {
      answers = dataset(['1'], MINUTE);
      await rootsWhenListed(MINUTE);
      answers = dataset(['3'], MINUTE);
      expect(await lineage.rootsOf('dataset', DATASET)).toEqual(experiments('3'));
    });

    test('and was moved within the last minute is asked about each time', async () => {
      answers = dataset(['1'], now - MINUTE);
      await rootsWhenListed(now - MINUTE);
      answers = dataset(['3'], now - MINUTE);
      expect(await rootsWhenListed(now - MINUTE)).toEqual(experiments('3'));
    });

    test('does not belong to an experiment that was made since it was moved', async () => {
      answers = dataset(['1', '3'], MINUTE);
      await rootsWhenListed(MINUTE);
      madeAt.set('3', 2 * MINUTE);
      expect(await rootsWhenListed(MINUTE)).toEqual(experiments('1'));
      madeAt.delete('3');
    });

    test('is asked about again when one of its experiments is gone', async () => {
      answers = dataset(['1', '3'], MINUTE);
      await rootsWhenListed(MINUTE);
      answers = dataset(['1'], MINUTE);
      lineage.forget('3');
      expect(await rootsWhenListed(MINUTE)).toEqual(experiments('1'));
    });

    test('and does not say when it was moved is asked about each time', async () => {
      answers = dataset(['1'], undefined);
      expect(await lineage.rootsOf('dataset', DATASET, {})).toEqual(experiments('1'));
      answers = dataset(['3'], undefined);
      expect(await lineage.rootsOf('dataset', DATASET, {})).toEqual(experiments('3'));
    });
  });

  test.each([
    ['job', { params: { experiment_id: '2' }, creation_time: 200 }],
    ['prompt_optimization_job', { job: { experiment_id: '2', creation_timestamp_ms: '200' } }],
  ] as const)('a %s older than its experiment', async (kind, reply) => {
    answers = json(200, reply);
    expect(await lineage.rootsOf(kind, 'j-1')).toEqual([]);
    answers = json(200, JSON.parse(JSON.stringify(reply).replaceAll('200', '400')));
    expect(await lineage.rootsOf(kind, 'j-2')).toEqual([{ kind: 'experiment', id: '2' }]);
  });

  test('is asked for again when its experiment is gone', async () => {
    answers = json(200, { params: { experiment_id: '1' }, creation_time: 200 });
    await lineage.rootsOf('job', 'j-1');
    madeAt.set('1', 400);
    lineage.forget('1');
    expect(await lineage.rootsOf('job', 'j-1')).toEqual([]);
    madeAt.set('1', 100);
  });

  test('is still there as of a second ago', async () => {
    const id = runId(2);
    answers = byGraphql;
    lineage.learn('run', id, '2');
    expect(await lineage.isStillIn('2', 'run', id)).toBe(true);
    expect(await lineage.isStillIn('1', 'run', id)).toBe(false);
    expect(asked).toHaveLength(1);
    answers = json(404, {});
    now += 1_001;
    expect(await lineage.isStillIn('2', 'run', id)).toBe(false);
  });
});

test('a guardrail belongs to the experiment of its scorer, which MLflow writes as a number', async () => {
  answers = json(200, { guardrail: { scorer: { experiment_id: 12 } } });
  expect(await lineage.rootsOf('gateway_guardrail', 'gr-1')).toEqual([{ kind: 'experiment', id: '12' }]);
});

test.each([{}, { guardrail: { scorer: {} } }, { guardrail: { scorer: { experiment_id: 1e300 } } }])(
  'a guardrail of which %j is said is not told the experiment of',
  async (reply) => {
    answers = json(200, reply);
    await expect(lineage.rootsOf('gateway_guardrail', 'gr-1')).rejects.toMatchObject({ status: 503 });
  },
);

test('a job without an experiment belongs to nothing', async () => {
  answers = json(200, { params: {} });
  expect(await lineage.rootsOf('job', 'a')).toBeUndefined();
});

describe.each(CHILD_KINDS)('the root of a %s', (kind) => {
  const id = runId(1);

  test.each<[string, Answers, number]>([
    ['fails', json(500, { trace: {} }), 503],
    ['is not available', json(503, {}), 503],
    ['refuses', json(403, {}), 503],
    ['sends the caller elsewhere', json(302, {}), 503],
    ['answers with something that is not JSON', (_t, _b, response) => response.end('<html>'), 503],
    ['breaks off', (_t, _b, response) => response.destroy(), 503],
    ['does not answer', () => {}, 504],
  ])('is not told, nor is it said to be missing, if the server %s', async (_, answer, status) => {
    answers = answer;
    await expect(lineage.rootsOf(kind, id)).rejects.toMatchObject({ status });
  });

  test('is missing if the server says so, and is asked for again', async () => {
    answers = json(404, {});
    expect(await lineage.rootsOf(kind, id)).toBeUndefined();
    const before = asked.length;
    expect(await lineage.rootsOf(kind, id)).toBeUndefined();
    expect(asked.length).toBe(2 * before);
  });
});

describe('the endpoint of a name', () => {
  const named = (name: string, endpoint_id: string) => ({ name, endpoint_id });
  const list = { endpoints: [named('chatter', 'e-1'), named('chat', 'e-2')] };

  test('is found in the list where MLflow takes no name (3.9, 3.10)', async () => {
    version = '3.10.1';
    answers = (target, body, response) =>
      json(target.includes('?name=') ? 400 : 200, list)(target, body, response);
    expect(await lineage.rootsOf('gateway_endpoint_name', 'chat')).toEqual([
      { kind: 'gateway_endpoint', id: 'e-2' },
    ]);
    expect(await lineage.rootsOf('gateway_endpoint_name', 'cha')).toBeUndefined();
  });

  test('is asked for by its name elsewhere', async () => {
    answers = json(200, { endpoint: named('chat', 'e-2') });
    expect(await lineage.rootsOf('gateway_endpoint_name', 'chat')).toEqual([
      { kind: 'gateway_endpoint', id: 'e-2' },
    ]);
    expect(asked).toHaveLength(1);
  });
});
