import { describe, expect, test } from 'vitest';
import { createExperiment, createRun, grant, type Person, unique } from '../support/gateway.ts';
import { NEWEST } from '../support/mlflow.ts';
import { startTrace } from '../support/traces.ts';
import { useNeighbours } from '../support/use-gateway.ts';

/** A request: method, path behind `/api/3.0/mlflow/`, JSON body. */
type Asked = readonly [method: string, path: string, json?: unknown];

describe('what belongs to an experiment of MLflow 3.17.2', () => {
  const { gateway, alice, bob, homes } = useNeighbours(NEWEST);

  const ask = (who: Person, [method, path, json]: Asked) =>
    who.send(method, `/api/3.0/mlflow/${path}`, json === undefined ? {} : { json });

  async function made(who: Person, asked: Asked) {
    const { status, text, json } = await ask(who, asked);
    if (status !== 200) {
      throw new Error(`${asked[1]}: ${status} ${text}`);
    }
    return json;
  }

  async function expectOwnOnly(requests: readonly Asked[]): Promise<void> {
    for (const request of requests) {
      expect([request, (await ask(bob, request)).status]).toEqual([request, 403]);
      const { status, text } = await ask(alice, request);
      expect([request, status, status === 200 ? '' : text]).toEqual([request, 200, '']);
    }
  }

  const newDataset = async (who: Person, ...experiment_ids: string[]) =>
    (await made(who, ['POST', 'datasets/create', { name: unique('dataset'), experiment_ids }])).dataset
      .dataset_id as string;

  test('a dataset is used by those who may use all of its experiments', async () => {
    const id = await newDataset(alice, homes.alice);
    const second = await createExperiment(alice);
    await expectOwnOnly([
      ['GET', `datasets/${id}`],
      ['GET', `datasets/${id}/experiment-ids`],
      ['PATCH', `datasets/${id}/tags`, { tags: '{"a":"b"}' }],
      ['DELETE', `datasets/${id}/tags/a`],
      ['POST', `datasets/${id}/records`, { records: '[{"inputs":{"a":1}}]' }],
      ['GET', `datasets/${id}/records`],
      ['POST', `datasets/${id}/add-experiments`, { experiment_ids: [second] }],
      ['POST', `datasets/${id}/remove-experiments`, { experiment_ids: [second] }],
      ['DELETE', `datasets/${id}`],
    ]);
  });

  test('a record of a dataset is deleted with EDIT on all of its experiments', async () => {
    const id = await newDataset(alice, homes.alice);
    const carol = await gateway.person('carol');
    await grant(alice, carol, { experiment: homes.alice }, 'READ');
    const records = async () =>
      JSON.parse((await made(alice, ['GET', `datasets/${id}/records`])).records ?? '[]') as {
        dataset_record_id: string;
      }[];
    await made(alice, [
      'POST',
      `datasets/${id}/records`,
      { records: '[{"inputs":{"a":1}},{"inputs":{"a":2}}]' },
    ]);
    const [first, second] = (await records()).map(({ dataset_record_id }) => dataset_record_id);
    const deletion: Asked = ['DELETE', `datasets/${id}/records`, { dataset_record_ids: [first] }];
    for (const who of [bob, carol]) {
      expect((await ask(who, deletion)).status).toBe(403);
    }
    expect(await records()).toHaveLength(2);
    await made(alice, deletion);
    expect((await records()).map(({ dataset_record_id }) => dataset_record_id)).toEqual([second]);

    await made(gateway.admin, ['POST', `datasets/${id}/add-experiments`, { experiment_ids: [homes.bob] }]);
    expect((await ask(alice, deletion)).status).toBe(403);
  });

  test('a dataset cannot be put into a foreign experiment, nor out of one', async () => {
    const id = await newDataset(alice, homes.alice);
    const asked = { experiment_ids: [homes.bob] };
    expect((await ask(alice, ['POST', `datasets/${id}/add-experiments`, asked])).status).toBe(403);
    expect((await ask(alice, ['POST', 'datasets/create', { name: unique('d'), ...asked }])).status).toBe(403);
    expect((await ask(alice, ['POST', 'datasets/create', { name: unique('d') }])).status).toBe(400);

    await made(gateway.admin, ['POST', `datasets/${id}/add-experiments`, asked]);
    expect((await ask(alice, ['GET', `datasets/${id}`])).status).toBe(403);
    const back = { experiment_ids: [homes.bob] };
    expect((await ask(alice, ['POST', `datasets/${id}/remove-experiments`, back])).status).toBe(403);
    expect(
      (await ask(alice, ['POST', 'datasets/search', { experiment_ids: [homes.alice] }])).text,
    ).not.toContain(id);
  });

  test('a dataset is taken away from others, into another experiment or out of theirs, by a caller who manages it alone', async () => {
    const id = await newDataset(bob, homes.bob);
    const grantTo = async (permission: string) => {
      const what = { experiment_id: homes.bob, username: alice.username, permission };
      const path = '/api/2.0/mlflow/experiments/permissions';
      const { status } = await bob.post(`${path}/create`, what);
      if (status !== 200) {
        expect((await bob.patch(`${path}/update`, what)).status).toBe(200);
      }
    };
    const into: Asked = ['POST', `datasets/${id}/add-experiments`, { experiment_ids: [homes.alice] }];
    const out = () =>
      ask(alice, ['POST', `datasets/${id}/remove-experiments`, { experiment_ids: [homes.bob] }]);
    await grantTo('EDIT');
    expect((await ask(alice, into)).status).toBe(403);
    await made(bob, ['GET', `datasets/${id}`]);
    expect((await ask(bob, ['POST', 'datasets/search', { experiment_ids: [homes.bob] }])).text).toContain(id);
    await made(gateway.admin, into);
    expect((await out()).status).toBe(403);
    expect((await ask(alice, ['DELETE', `datasets/${id}`])).status).toBe(403);
    await grantTo('MANAGE');
    await made(alice, into);
    expect((await out()).status).toBe(200);
    await made(alice, ['DELETE', `datasets/${id}`]);
    // Gone, not unclear.
    expect((await ask(alice, ['GET', `datasets/${id}`])).status).toBe(403);
    await bob.delete('/api/2.0/mlflow/experiments/permissions/delete', {
      experiment_id: homes.bob,
      username: alice.username,
    });
  });

  test('a search for datasets without experiments does not show all there are', async () => {
    const id = await newDataset(bob, homes.bob);
    for (const asked of [
      {},
      { experiment_ids: [] },
      { experimentIds: [] },
      { experiment_ids: [homes.bob] },
    ]) {
      expect((await ask(alice, ['POST', 'datasets/search', asked])).text).not.toContain(id);
    }
    for (const query of ['', '?max_results=10', `?experiment_ids=${homes.bob}`]) {
      expect((await ask(alice, ['GET', `datasets/search${query}`])).text).not.toContain(id);
    }
    expect((await ask(alice, ['GET', 'datasets/search?experiment_ids='])).status).toBe(400);
    expect(
      (await ask(bob, ['POST', 'datasets/search', { experiment_ids: [homes.alice, homes.bob] }])).text,
    ).toContain(id);
  });

  const newIssue = async (who: Person, experiment_id: string) =>
    (await made(who, ['POST', 'issues', { experiment_id, name: 'issue', description: 'd' }])).issue
      .issue_id as string;

  test('an issue is used by those who may use its experiment', async () => {
    const id = await newIssue(alice, homes.alice);
    await expectOwnOnly([
      ['POST', 'issues', { experiment_id: homes.alice, name: 'another', description: 'd' }],
      ['GET', `issues/${id}`],
      ['PATCH', `issues/${id}`, { issue_id: id, name: 'renamed' }],
      ['POST', 'issues/search', { experiment_id: homes.alice }],
    ]);
  });

  test('an issue names its author and no foreign run, and is changed under its own id only', async () => {
    const issue = { experiment_id: homes.alice, name: 'issue', description: 'd' };
    const foreignRun = { ...issue, source_run_id: await createRun(bob, homes.bob) };
    expect((await ask(alice, ['POST', 'issues', foreignRun])).status).toBe(403);
    expect(
      (await ask(alice, ['POST', 'issues', { ...issue, sourceRunId: foreignRun.source_run_id }])).status,
    ).toBe(403);
    const { issue: created } = await made(alice, ['POST', 'issues', { ...issue, created_by: bob.username }]);
    expect(created.created_by).toBe(alice.username);
    const foreign = await newIssue(bob, homes.bob);
    const asked = { issue_id: foreign, name: 'x' };
    expect((await ask(alice, ['PATCH', `issues/${created.issue_id}`, asked])).status).toBe(400);
  });

  test('a search for issues without an experiment shows those of one’s own alone', async () => {
    const foreign = await newIssue(bob, homes.bob);
    const own = await newIssue(alice, homes.alice);
    for (const asked of [{}, { experiment_id: '' }, { filter_string: "status = 'pending'" }]) {
      const { text } = await ask(alice, ['POST', 'issues/search', asked]);
      expect([text.includes(own), text.includes(foreign)]).toEqual([true, false]);
    }
    for (const asked of [{ max_results: 'zz', experiment_id: homes.alice }, { experiment_id: null }]) {
      expect((await ask(alice, ['POST', 'issues/search', asked])).status).toBe(400);
    }
  });

  test('label schemas are read with READ and managed with MANAGE', async () => {
    const carol = await gateway.person('carol');
    await grant(alice, carol, { experiment: homes.alice }, 'EDIT');
    const schema = {
      experiment_id: homes.alice,
      name: unique('schema'),
      type: 'FEEDBACK',
      input: { pass_fail: { positive_label: 'good', negative_label: 'bad' } },
    };
    expect((await ask(carol, ['POST', 'label-schemas/create', schema])).status).toBe(403);
    const { label_schema } = await made(alice, ['POST', 'label-schemas/create', schema]);
    const { schema_id } = label_schema;
    expect((await ask(carol, ['GET', `label-schemas/get?schema_id=${schema_id}`])).status).toBe(200);
    const change = ['PATCH', 'label-schemas/update', { schema_id, instruction: 'new' }] as const;
    expect((await ask(carol, change)).status).toBe(403);
    await expectOwnOnly([
      ['GET', `label-schemas/get?schema_id=${schema_id}`],
      ['GET', `label-schemas/get-by-name?experiment_id=${homes.alice}&name=${schema.name}`],
      ['GET', `label-schemas/list?experiment_id=${homes.alice}`],
      change,
      ['DELETE', 'label-schemas/delete', { schema_id }],
    ]);
  });

  test('scorers are of those who may use the experiment', async () => {
    const name = unique('scorer');
    const serialized_scorer = JSON.stringify({
      name,
      aggregations: [],
      mlflow_version: '3.17.2',
      serialization_version: 1,
      instructions_judge_pydantic_data: {
        instructions: 'Is {{ outputs }} good?',
        model: 'openai:/gpt-4',
        feedback_value_type: { type: 'string' },
      },
    });
    await expectOwnOnly([
      ['POST', 'scorers/register', { experiment_id: homes.alice, name, serialized_scorer }],
      ['GET', `scorers/list?experiment_id=${homes.alice}`],
      ['GET', `scorers/versions?experiment_id=${homes.alice}&name=${name}`],
      ['GET', `scorers/get?experiment_id=${homes.alice}&name=${name}`],
    ]);
    expect((await ask(alice, ['GET', 'scorers/list'])).text).toContain(name);
    expect((await ask(bob, ['GET', 'scorers/list'])).text).not.toContain(name);
    const ofBoth = await ask(bob, [
      'GET',
      `scorers/list?experiment_ids=${homes.bob}&experiment_ids=${homes.alice}`,
    ]);
    expect([ofBoth.status, ofBoth.text.includes(name)]).toEqual([200, false]);
    expect((await ask(bob, ['GET', 'scorers/online-configs?scorer_ids=x'])).text).not.toContain(name);
    await expectOwnOnly([['DELETE', 'scorers/delete', { experiment_id: homes.alice, name }]]);
  });

  test('jobs with the keys of the server are started by a caller who may use its endpoints, in their experiments', async () => {
    const trace = await startTrace(alice, homes.alice);
    const prompt = unique('prompt');
    await bob.post('/api/2.0/mlflow/registered-models/create', { name: prompt });
    const starts = (experiment_id: string): [string, string, unknown][] => [
      ['POST', '/ajax-api/3.0/mlflow/issues/invoke', { experiment_id, trace_ids: [trace] }],
      ['POST', '/ajax-api/3.0/mlflow/genai/evaluate/invoke', { experiment_id, trace_ids: [trace] }],
      ['POST', '/ajax-api/3.0/mlflow/scorer/invoke', { experiment_id, trace_ids: [trace] }],
      ['PUT', '/api/3.0/mlflow/scorers/online-config', { experiment_id, name: 'x', sample_rate: 1 }],
      [
        'POST',
        '/api/3.0/mlflow/prompt-optimization/jobs',
        { experiment_id, source_prompt_uri: `prompts:/${prompt}/1`, config: {} },
      ],
    ];
    for (const [method, path, json] of [...starts(homes.alice), ...starts(homes.bob)]) {
      expect([path, (await alice.send(method, path, { json })).status]).toEqual([path, 403]);
    }
  });

  /** A user who may use every endpoint of the AI gateway. */
  async function starter(): Promise<Person> {
    const carol = await gateway.person('carol');
    const everyEndpoint = {
      username: carol.username,
      resource_type: 'gateway_endpoint',
      resource_id: '*',
      permission: 'USE',
    };
    const granted = await gateway.admin.post('/api/3.0/mlflow/users/permissions/grant', everyEndpoint);
    expect(granted.status).toBe(200);
    return carol;
  }

  test.each([
    ['issues/invoke', { categories: [], provider: 'openai', endpoint_name: 'nonesuch' }],
    ['genai/evaluate/invoke', { serialized_scorers: ['{}'] }],
    ['scorer/invoke', { serialized_scorer: '{}' }],
  ])('%s looks at traces of its own experiment alone, in every version of MLflow', async (path, more) => {
    const carol = await starter();
    const experiment_id = await createExperiment(carol);
    const own = await startTrace(carol, experiment_id);
    const another = await startTrace(carol, await createExperiment(carol));
    const foreign = await startTrace(alice, homes.alice);
    const start = async (...trace_ids: string[]) =>
      carol.send('POST', `/ajax-api/3.0/mlflow/${path}`, { json: { experiment_id, trace_ids, ...more } });
    // MLflow refuses these by itself from some version on, but in other words.
    for (const id of [foreign, another]) {
      for (const ids of [[id], [own, id]]) {
        const { status, text } = await start(...ids);
        expect([status, text]).toEqual([403, expect.stringContaining('This needs READ on trace')]);
      }
    }
    expect((await start(own)).text).not.toContain('on trace');
  });

  test('optimising a prompt needs the prompt and the dataset besides', async () => {
    const carol = await starter();
    const carols = await createExperiment(carol);
    const prompt = unique('prompt');
    const tags = [{ key: 'mlflow.prompt.is_prompt', value: 'true' }];
    for (const [who, name] of [
      [carol, prompt],
      [bob, `${prompt}.bob`],
    ] as const) {
      expect((await who.post('/api/2.0/mlflow/registered-models/create', { name, tags })).status).toBe(200);
    }
    const optimise = async (more: Record<string, unknown>) =>
      (
        await ask(carol, [
          'POST',
          'prompt-optimization/jobs',
          { experiment_id: carols, source_prompt_uri: `prompts:/${prompt}/1`, config: {}, ...more },
        ])
      ).status;
    const dataset_id = await newDataset(bob, homes.bob);
    expect(await optimise({ config: { dataset_id } })).toBe(403);
    expect(await optimise({ config: { datasetId: dataset_id } })).toBe(403);
    expect(await optimise({ source_prompt_uri: `prompts:/${prompt}.bob/1` })).toBe(403);
    expect(await optimise({ source_prompt_uri: `prompts:/${prompt}.bob@latest` })).toBe(403);
    expect(await optimise({ source_prompt_uri: `${prompt}.bob` })).toBe(403);
    expect(await optimise({ experiment_id: homes.bob })).toBe(403);
    expect(await optimise({})).not.toBe(403);
    expect((await ask(carol, ['POST', 'prompt-optimization/jobs/search', {}])).status).toBe(400);
    expect(
      (await ask(carol, ['POST', 'prompt-optimization/jobs/search', { experiment_id: homes.bob }])).status,
    ).toBe(403);
  });

  test('a logged model is used by those who may use its experiment, under one id', async () => {
    const create = async (who: Person, experiment_id: string) =>
      (await who.post('/api/2.0/mlflow/logged-models', { experiment_id, name: 'model' })).json.model.info
        .model_id as string;
    const mine = await create(alice, homes.alice);
    const foreign = await create(bob, homes.bob);
    const path = (id: string, rest = '') => `/api/2.0/mlflow/logged-models/${id}${rest}`;
    const finish = (id: string) => ({ model_id: id, status: 'LOGGED_MODEL_READY' });
    const requests: [string, string, unknown?][] = [
      ['GET', path(mine)],
      ['PATCH', path(mine), finish(mine)],
      ['PATCH', path(mine, '/tags'), { tags: [{ key: 'a', value: 'b' }] }],
      ['DELETE', path(mine, '/tags/a')],
      ['POST', path(mine, '/params'), { model_id: mine, params: [] }],
      ['GET', path(mine, '/artifacts/directories')],
      ['DELETE', path(mine)],
    ];
    for (const [method, target, json] of requests) {
      const sent = json === undefined ? {} : { json };
      expect([method, target, (await bob.send(method, target, sent)).status]).toEqual([method, target, 403]);
      expect([method, target, (await alice.send(method, target, sent)).status]).toEqual([
        method,
        target,
        200,
      ]);
    }
    const other = await create(alice, homes.alice);
    expect((await alice.patch(path(other), finish(foreign))).status).toBe(400);
    expect((await alice.patch(path(other), { modelId: foreign, status: 'LOGGED_MODEL_READY' })).status).toBe(
      400,
    );
    expect((await alice.patch(path(other, '/tags'), { model_id: foreign, tags: [] })).status).toBe(400);
    const search = await alice.post('/api/2.0/mlflow/logged-models/search', {
      experiment_ids: [homes.alice, homes.bob],
    });
    expect(search.text).toContain(other);
    expect(search.text).not.toContain(foreign);
    const foreignRun = {
      experiment_id: homes.alice,
      name: 'm',
      source_run_id: await createRun(bob, homes.bob),
    };
    expect((await alice.post('/api/2.0/mlflow/logged-models', foreignRun)).status).toBe(403);
  });

  test('a run is logged to under one id, and with models one may change', async () => {
    const mine = await createRun(alice, homes.alice);
    const foreign = await createRun(bob, homes.bob);
    for (const body of [
      { run_id: mine, run_uuid: foreign },
      { run_id: mine, runId: foreign },
      { runUuid: mine, runId: foreign },
    ]) {
      const tag = { ...body, key: 'a', value: 'b' };
      expect((await alice.post('/api/2.0/mlflow/runs/set-tag', tag)).status).toBe(400);
    }
    const upload = (query: string) =>
      alice.send('POST', `/ajax-api/2.0/mlflow/upload-artifact?${query}&path=a.txt`, {
        raw: 'text',
        headers: { 'content-type': 'text/plain' },
      });
    expect((await upload(`run_id=${mine}&run_uuid=${foreign}`)).status).toBe(400);
    expect((await upload(`run_uuid=${foreign}`)).status).toBe(403);
    expect((await upload(`run_uuid=${mine}`)).status).toBe(200);
    const { json } = await bob.post('/api/2.0/mlflow/logged-models', {
      experiment_id: homes.bob,
      name: 'model',
    });
    const { model_id } = json.model.info;
    const outputs = { run_id: mine, models: [{ model_id, step: 0 }] };
    expect((await alice.post('/api/2.0/mlflow/runs/outputs', outputs)).status).toBe(403);
    const metric = { run_id: mine, key: 'm', value: 1, timestamp: 1, step: 0, model_id };
    expect((await alice.post('/api/2.0/mlflow/runs/log-metric', metric)).status).toBe(403);
  });
});
