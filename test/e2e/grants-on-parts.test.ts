/** Grants on all things of a kind at once (runs, traces, versions …), which decide before those on what holds them. */
import { beforeAll, describe, expect, test } from 'vitest';
import { createExperiment, createRun, grantOn, type Person, unique } from '../support/gateway.ts';
import { NEWEST } from '../support/mlflow.ts';
import { newTraceId, startTrace, traceBody } from '../support/traces.ts';
import { useGateway } from '../support/use-gateway.ts';

const A2 = '/api/2.0/mlflow';
const A3 = '/api/3.0/mlflow';

const { gateway } = useGateway({ version: NEWEST });

async function holding(...grants: [type: string, id: string, permission: string][]): Promise<Person> {
  const who = await gateway.person('holder');
  for (const [type, id, permission] of grants) {
    await grantOn(gateway.admin, who, type, id, permission);
  }
  return who;
}

async function attempts(who: Person, experiment_id: string, run_id: string) {
  const query = JSON.stringify({ query: `{mlflowGetRun(input:{runId:"${run_id}"}){run{info{runId}}}}` });
  const document = await who.post('/graphql', JSON.parse(query));
  return {
    experiment: (await who.get(`${A2}/experiments/get?experiment_id=${experiment_id}`)).status,
    read: (await who.get(`${A2}/runs/get?run_id=${run_id}`)).status,
    tag: (await who.post(`${A2}/runs/set-tag`, { run_id, key: 'k', value: 'v' })).status,
    create: (await who.post(`${A2}/runs/create`, { experiment_id, start_time: 1 })).status,
    search: (await who.post(`${A2}/runs/search`, { experiment_ids: [experiment_id] })).status,
    artifact: (await who.get(`/api/2.0/mlflow-artifacts/artifacts/${experiment_id}/${run_id}/artifacts/x`))
      .status,
    graphql: document.json.data?.mlflowGetRun?.run != null,
  };
}

describe('grants on all runs', () => {
  test.each<[grants: [string, string][], seen: Record<string, unknown>]>([
    [
      [
        ['experiment', 'EDIT'],
        ['run', 'DENY'],
      ],
      { experiment: 200, read: 403, tag: 403, create: 403, search: 403, artifact: 403, graphql: false },
    ],
    [
      [
        ['experiment', 'EDIT'],
        ['run', 'READ'],
      ],
      { experiment: 200, read: 200, tag: 403, create: 200, search: 200, artifact: 404, graphql: true },
    ],
    [
      [
        ['experiment', 'READ'],
        ['run', 'EDIT'],
      ],
      { experiment: 200, read: 200, tag: 200, create: 403, search: 200, artifact: 404, graphql: true },
    ],
    [
      [['run', 'MANAGE']],
      { experiment: 403, read: 403, tag: 403, create: 403, search: 200, artifact: 403, graphql: false },
    ],
  ])('%j', async (grants, seen) => {
    const experiment = await createExperiment(gateway.admin);
    const run = await createRun(gateway.admin, experiment);
    const who = await holding(
      ...grants.map(([type, permission]): [string, string, string] => [
        type,
        type === 'run' ? '*' : experiment,
        permission,
      ]),
    );
    expect(await attempts(who, experiment, run)).toEqual(seen);
  });
});

test('DENY on all traces or logged models leaves the runs, and takes away what it names', async () => {
  const experiment_id = await createExperiment(gateway.admin, unique('parts'));
  const run_id = await createRun(gateway.admin, experiment_id);
  const who = await holding(
    ['experiment', experiment_id, 'MANAGE'],
    ['trace', '*', 'DENY'],
    ['logged_model', '*', 'DENY'],
  );
  const locations = [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id } }];
  const deletion = { experiment_id, max_timestamp_millis: 1 };
  const statuses = {
    run: (await who.get(`${A2}/runs/get?run_id=${run_id}`)).status,
    traces: (await who.post(`${A3}/traces/search`, { locations })).status,
    deletion: (await who.post(`${A3}/traces/delete-traces`, deletion)).status,
    models: (await who.post(`${A2}/logged-models/search`, { experiment_ids: [experiment_id] })).status,
    model: (await who.post(`${A2}/logged-models`, { experiment_id, name: 'm' })).status,
  };
  expect(statuses).toEqual({ run: 200, traces: 403, deletion: 403, models: 403, model: 403 });
});

type Grant = [type: string, id: string, permission: string];

/** What a user is answered to each of some requests. */
async function statusesOf<Name extends string>(
  requests: Readonly<Record<Name, () => Promise<{ readonly status: number }>>>,
): Promise<Record<Name, number>> {
  const statuses: Partial<Record<Name, number>> = {};
  for (const name of Object.keys(requests) as Name[]) {
    statuses[name] = (await requests[name]()).status;
  }
  return statuses as Record<Name, number>;
}

describe('grants on all versions of models', () => {
  const MODELS = `${A2}/registered-models`;
  const VERSIONS = `${A2}/model-versions`;
  const PROMPT_TAGS = { tags: [{ key: 'mlflow.prompt.is_prompt', value: 'true' }] };

  let experiment: string;
  /** What versions of each are made from. */
  let made: Readonly<Record<'registered_model' | 'prompt', object>>;

  beforeAll(async () => {
    experiment = await createExperiment(gateway.admin);
    const run_id = await createRun(gateway.admin, experiment);
    made = {
      registered_model: { source: `runs:/${run_id}/model`, run_id },
      prompt: { source: 'dummy-source', ...PROMPT_TAGS },
    };
  });

  async function versioned(kind: keyof typeof made): Promise<string> {
    const name = unique(kind);
    const tags = kind === 'prompt' ? PROMPT_TAGS : {};
    expect((await gateway.admin.post(`${MODELS}/create`, { name, ...tags })).status).toBe(200);
    for (const asked of [made[kind], made[kind]]) {
      const { status, text } = await gateway.admin.post(`${VERSIONS}/create`, { name, ...asked });
      expect([status, text]).toEqual([200, text]);
    }
    return name;
  }

  const requestsTo = (who: Person, name: string, from: object) => ({
    model: () => who.get(`${MODELS}/get?name=${name}`),
    edit: () => who.patch(`${MODELS}/update`, { name, description: 'd' }),
    read: () => who.get(`${VERSIONS}/get?name=${name}&version=1`),
    latest: () => who.post(`${MODELS}/get-latest-versions`, { name }),
    uri: () => who.get(`${VERSIONS}/get-download-uri?name=${name}&version=1`),
    create: () => who.post(`${VERSIONS}/create`, { name, ...from }),
    tag: () => who.post(`${VERSIONS}/set-tag`, { name, version: '1', key: 'k', value: 'v' }),
    alias: () => who.post(`${MODELS}/alias`, { name, alias: 'a', version: '2' }),
    delete: () => who.delete(`${VERSIONS}/delete`, { name, version: '1' }),
    deleteModel: () => who.delete(`${MODELS}/delete`, { name }),
  });

  const ALL = {
    ...{ model: 200, edit: 200, read: 200, latest: 200, uri: 200 },
    ...{ create: 200, tag: 200, alias: 200, delete: 200, deleteModel: 200 },
  };
  const DENIED = {
    ...{ model: 200, edit: 200, read: 403, latest: 403, uri: 403 },
    ...{ create: 403, tag: 403, alias: 403, delete: 403, deleteModel: 403 },
  };

  test.each([
    ['registered_model', 'MANAGE', ['registered_model_version', 'DENY'], DENIED],
    ['prompt', 'MANAGE', ['prompt_version', 'DENY'], DENIED],
    ['registered_model', 'MANAGE', ['prompt_version', 'DENY'], ALL],
    ['prompt', 'MANAGE', ['registered_model_version', 'DENY'], ALL],
    [
      'registered_model',
      'MANAGE',
      ['registered_model_version', 'EDIT'],
      { ...ALL, delete: 403, deleteModel: 403 },
    ],
    [
      'registered_model',
      'READ',
      ['registered_model_version', 'MANAGE'],
      { ...ALL, edit: 403, create: 403, alias: 403, deleteModel: 403 },
    ],
  ] as const)('%s %s with %j', async (kind, permission, [type, tier], seen) => {
    const name = await versioned(kind);
    const who = await holding(
      ['experiment', experiment, 'READ'],
      [kind, name, permission],
      [type, '*', tier],
    );
    expect(await statusesOf(requestsTo(who, name, made[kind]))).toEqual(seen);
  });

  test('show none of those denied in lists, and all others', async () => {
    const model = await versioned('registered_model');
    const prompt = await versioned('prompt');
    const grants: Grant[] = [
      ['registered_model', model, 'READ'],
      ['prompt', prompt, 'READ'],
    ];
    const shown = async (who: Person, filter: string) => {
      const found = (await who.get(`${MODELS}/search?filter=${encodeURIComponent(filter)}`)).json;
      return (found.registered_models ?? []).map((each: { name: string; latest_versions?: unknown[] }) => [
        each.name,
        each.latest_versions?.length ?? 0,
      ]);
    };
    const versions = async (who: Person, filter = '') =>
      new Set(
        ((await who.get(`${VERSIONS}/search${filter}`)).json.model_versions ?? []).map(
          ({ name }: { name: string }) => name,
        ),
      );
    const prompts = "tags.`mlflow.prompt.is_prompt` = 'true'";
    const promptVersions = `?filter=${encodeURIComponent(prompts)}`;
    const all = await holding(...grants);
    expect(await versions(all)).toEqual(new Set([model]));
    expect(await versions(all, promptVersions)).toEqual(new Set([prompt]));
    const noModels = await holding(...grants, ['registered_model_version', '*', 'DENY']);
    expect(await versions(noModels)).toEqual(new Set());
    expect(await versions(noModels, promptVersions)).toEqual(new Set([prompt]));
    expect(await shown(noModels, `name = '${model}'`)).toEqual([[model, 0]]);
    expect(await shown(noModels, `name = '${prompt}' AND ${prompts}`)).toEqual([[prompt, 1]]);
    const noPrompts = await holding(...grants, ['prompt_version', '*', 'DENY']);
    expect(await versions(noPrompts)).toEqual(new Set([model]));
    expect(await versions(noPrompts, promptVersions)).toEqual(new Set());
    expect(await shown(noPrompts, `name = '${model}'`)).toEqual([[model, 1]]);
    expect(await shown(noPrompts, `name = '${prompt}' AND ${prompts}`)).toEqual([[prompt, 0]]);
  });

  test('leave GraphQL to a user who asks for no versions', async () => {
    const experiment = await createExperiment(gateway.admin);
    const run = await createRun(gateway.admin, experiment);
    for (const type of ['registered_model_version', 'prompt_version']) {
      const who = await holding(['experiment', experiment, 'READ'], [type, '*', 'DENY']);
      const asked = async (fields: string) =>
        (await who.post('/graphql', { query: `{mlflowGetRun(input:{runId:"${run}"}){run{${fields}}}}` })).json
          .data.mlflowGetRun !== null;
      expect(await asked('info{runId}')).toBe(true);
      expect(await asked('info{runId} modelVersions{name}')).toBe(false);
    }
  });
});

describe('grants on all assessments', () => {
  const assessment = {
    assessment_name: 'good',
    feedback: { value: true },
    source: { source_type: 'HUMAN', source_id: 'x' },
    create_time: '2026-01-01T00:00:00Z',
    last_update_time: '2026-01-01T00:00:00Z',
  };

  const started = (experiment_id: string, assessments: unknown[]) =>
    traceBody(experiment_id, newTraceId(), { assessments });

  test.each([
    [
      'DENY',
      { read: 403, create: 403, search: 403, start: 403, without: 200, edit: 403, delete: 403, purge: 403 },
    ],
    [
      'EDIT',
      { read: 200, create: 200, search: 200, start: 200, without: 200, edit: 200, delete: 403, purge: 403 },
    ],
    [
      'MANAGE',
      { read: 200, create: 200, search: 200, start: 200, without: 200, edit: 200, delete: 200, purge: 200 },
    ],
    [
      undefined,
      { read: 200, create: 200, search: 200, start: 200, without: 200, edit: 200, delete: 200, purge: 200 },
    ],
  ] as const)('%s', async (permission, seen) => {
    const experiment_id = await createExperiment(gateway.admin);
    const trace = await startTrace(gateway.admin, experiment_id);
    const at = `${A3}/traces/${trace}/assessments`;
    const { json } = await gateway.admin.post(at, { assessment: { ...assessment, trace_id: trace } });
    const id = json.assessment.assessment_id as string;
    const grants: Grant[] = [['experiment', experiment_id, 'MANAGE']];
    if (permission !== undefined) {
      grants.push(['assessment', '*', permission]);
    }
    const who = await holding(...grants);
    const locations = [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id } }];
    const edited = {
      assessment: { ...assessment, trace_id: trace, rationale: 'why' },
      update_mask: 'rationale',
    };

    const shows = permission === 'DENY' ? undefined : 1;
    const info = (await who.get(`${A3}/traces/${trace}`)).json.trace.trace_info;
    expect([info.trace_id, info.assessments?.length]).toEqual([trace, shows]);
    const [found] = (await who.post(`${A3}/traces/search`, { locations })).json.traces;
    expect([found.trace_id, found.assessments?.length]).toEqual([trace, shows]);
    const [infos] = (await who.post(`${A3}/traces/batchGetInfos`, { trace_ids: [trace] })).json.trace_infos;
    expect([infos.trace_id, infos.assessments?.length]).toEqual([trace, shows]);

    expect(
      await statusesOf({
        read: () => who.get(`${at}/${id}`),
        create: () => who.post(at, { assessment: { ...assessment, trace_id: trace } }),
        search: () => who.post(`${A3}/traces/search`, { locations, filter: "feedback.good = 'true'" }),
        start: () => who.post(`${A3}/traces`, started(experiment_id, [assessment])),
        without: () => who.post(`${A3}/traces`, started(experiment_id, [])),
        edit: () => who.patch(`${at}/${id}`, edited),
        delete: () => who.delete(`${at}/${id}`),
        purge: () => who.post(`${A3}/traces/delete-traces`, { experiment_id, max_timestamp_millis: 1 }),
      }),
    ).toEqual(seen);
  });
});

describe('grants on all versions of scorers and MCP servers, and on all review queues', () => {
  test.each([
    ['DENY', { register: 403, get: 403, versions: 403, list: 403, deleteVersion: 403, deleteAll: 403 }],
    ['EDIT', { register: 200, get: 200, versions: 200, list: 200, deleteVersion: 403, deleteAll: 403 }],
  ] as const)('scorers: %s', async (permission, seen) => {
    const experiment_id = await createExperiment(gateway.admin);
    const scorer = {
      experiment_id,
      name: 's',
      serialized_scorer: '{"name":"s","builtin_scorer_class":"Safety"}',
    };
    for (const _ of [1, 2]) {
      await gateway.admin.post(`${A3}/scorers/register`, scorer);
    }
    const who = await holding(['experiment', experiment_id, 'MANAGE'], ['scorer_version', '*', permission]);
    const query = `experiment_id=${experiment_id}&name=s`;
    expect(
      await statusesOf({
        register: () => who.post(`${A3}/scorers/register`, scorer),
        get: () => who.get(`${A3}/scorers/get?${query}`),
        versions: () => who.get(`${A3}/scorers/versions?${query}`),
        list: () => who.get(`${A3}/scorers/list?experiment_id=${experiment_id}`),
        deleteVersion: () => who.delete(`${A3}/scorers/delete`, { experiment_id, name: 's', version: 1 }),
        deleteAll: () => who.delete(`${A3}/scorers/delete`, { experiment_id, name: 's' }),
      }),
    ).toEqual(seen);
  });

  test('scorers: MANAGE deletes a version of a scorer that one may only read, and not the scorer', async () => {
    const experiment_id = await createExperiment(gateway.admin);
    const scorer = {
      experiment_id,
      name: 's',
      serialized_scorer: '{"name":"s","builtin_scorer_class":"Safety"}',
    };
    for (const _ of [1, 2]) {
      await gateway.admin.post(`${A3}/scorers/register`, scorer);
    }
    const who = await holding(['experiment', experiment_id, 'READ'], ['scorer_version', '*', 'MANAGE']);
    const asked = { experiment_id, name: 's' };
    expect((await who.delete(`${A3}/scorers/delete`, asked)).status).toBe(403);
    expect((await who.delete(`${A3}/scorers/delete`, { ...asked, version: null })).status).toBe(403);
    expect((await who.delete(`${A3}/scorers/delete`, { ...asked, version: 1 })).status).toBe(200);
  });

  test.each([
    ['MANAGE', 'DENY', { server: 200, list: 403, read: 403, create: 403, edit: 403, alias: 403 }],
    ['READ', 'EDIT', { server: 200, list: 200, read: 200, create: 403, edit: 200, alias: 403 }],
  ] as const)('MCP servers: %s on one and %s on all versions', async (permission, tier, seen) => {
    const name = `com.example/${unique('mcp')}`;
    const at = `${A3}/mcp-servers`;
    const version = (number: string) => ({ server_json: { name, description: 'd', version: number } });
    expect((await gateway.admin.post(at, { name })).status).toBe(200);
    const made = await gateway.admin.post(`${at}/${name}/versions`, version('1.0.0'));
    expect([made.status, made.text]).toEqual([200, made.text]);
    const who = await holding(['mcp_server', name, permission], ['mcp_server_version', '*', tier]);
    expect(
      await statusesOf({
        server: () => who.get(`${at}/${name}`),
        list: () => who.get(`${at}/${name}/versions`),
        read: () => who.get(`${at}/${name}/versions/1.0.0`),
        create: () => who.post(`${at}/${name}/versions`, version('2.0.0')),
        edit: () => who.patch(`${at}/${name}/versions/1.0.0`, { status: 'active' }),
        alias: () => who.post(`${at}/${name}/aliases`, { alias: 'a', version: '1.0.0' }),
      }),
    ).toEqual(seen);
  });

  test.each([
    ['READ', 'DENY', { create: 403, list: 403, get: 403, add: 403 }],
    ['MANAGE', 'DENY', { create: 403, list: 403, get: 403, add: 403 }],
    ['READ', 'MANAGE', { create: 403, list: 200, get: 200, add: 200 }],
    ['MANAGE', 'READ', { create: 200, list: 200, get: 403, add: 403 }],
  ] as const)('review queues: %s on the experiment and %s on all of them', async (permission, tier, seen) => {
    const experiment_id = await createExperiment(gateway.admin);
    const queueOf = () => ({ experiment_id, name: unique('q'), queue_type: 'CUSTOM' });
    const { json } = await gateway.admin.post(`${A3}/review-queues/create`, queueOf());
    const { queue_id } = json.review_queue;
    const item = { queue_id, item_ids: [await startTrace(gateway.admin, experiment_id)] };
    const who = await holding(['experiment', experiment_id, permission], ['review_queue', '*', tier]);
    expect(
      await statusesOf({
        create: () => who.post(`${A3}/review-queues/create`, queueOf()),
        list: () => who.get(`${A3}/review-queues/list?experiment_id=${experiment_id}`),
        get: () => who.get(`${A3}/review-queues/get?queue_id=${queue_id}`),
        add: () => who.post(`${A3}/review-queues/items/add`, item),
      }),
    ).toEqual(seen);
  });
});

test.each(['run', 'trace', 'logged_model', 'assessment', 'review_queue', 'scorer', 'scorer_version'])(
  'an experiment is deleted and restored only by a user who may delete every %s in it',
  async (type) => {
    const experiment_id = await createExperiment(gateway.admin);
    const weak = await holding(['experiment', experiment_id, 'MANAGE'], [type, '*', 'EDIT']);
    const strong = await holding(['experiment', experiment_id, 'MANAGE'], [type, '*', 'MANAGE']);
    for (const operation of ['delete', 'restore']) {
      expect((await weak.post(`${A2}/experiments/${operation}`, { experiment_id })).status).toBe(403);
      expect((await strong.post(`${A2}/experiments/${operation}`, { experiment_id })).status).toBe(200);
    }
  },
);

test('nobody asks by a filter about what is denied', async () => {
  const experiment_id = await createExperiment(gateway.admin);
  const locations = [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id } }];
  const experiment_ids = [experiment_id];
  const requestsTo = (who: Person) => ({
    traces: () => who.post(`${A3}/traces/search`, { locations, filter: "run_id = 'x'" }),
    order: () => who.post(`${A3}/traces/search`, { locations, order_by: ['run_id DESC'] }),
    models: () => who.post(`${A2}/logged-models/search`, { experiment_ids, filter: "source_run_id = 'x'" }),
    issues: () => who.post(`${A3}/issues/search`, { experiment_id, filter_string: "source_run_id = 'x'" }),
    versions: () => who.get(`${A2}/model-versions/search?filter=run_id%3D'x'`),
  });
  const denied = await holding(['experiment', experiment_id, 'MANAGE'], ['run', '*', 'DENY']);
  expect(Object.values(await statusesOf(requestsTo(denied)))).toEqual([403, 403, 403, 403, 403]);
  const allowed = await holding(['experiment', experiment_id, 'MANAGE'], ['run', '*', 'READ']);
  expect(Object.values(await statusesOf(requestsTo(allowed)))).toEqual([200, 200, 200, 200, 200]);
});
