/** What is in one workspace of MLflow is nothing to those who are in another, whatever it is called. */
import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { createExperiment, createRun, grantOn, type Person, unique } from '../support/gateway.ts';
import { NEWEST } from '../support/mlflow.ts';
import { encodeSpans } from '../support/spans.ts';
import { assign, createModel, inWorkspace, roleId, useWorkspaces } from '../support/workspaces.ts';

const API2 = '/api/2.0/mlflow';
const API3 = '/api/3.0/mlflow';
const ARTIFACTS = '/api/2.0/mlflow-artifacts/artifacts';

describe('in front of an MLflow with workspaces', () => {
  const used = useWorkspaces(NEWEST);
  const { gateway, admin, alice, bob, ann, carol, names } = used;

  /** Each in the workspace of theirs. */
  const at = (person: Person, workspace: 'a' | 'b') => inWorkspace(person, names[workspace]);
  let model: string;
  let experiments: Record<'a' | 'b', string>;
  let runs: Record<'a' | 'b', string>;

  beforeAll(async () => {
    // The same name in both.
    model = await createModel(at(alice, 'a'));
    await createModel(at(bob, 'b'), model);
    experiments = { a: await createExperiment(at(alice, 'a')), b: await createExperiment(at(bob, 'b')) };
    runs = {
      a: await createRun(at(alice, 'a'), experiments.a),
      b: await createRun(at(bob, 'b'), experiments.b),
    };
  });

  test('each manages what they made in theirs, and finds it nowhere else', async () => {
    const describing = (who: Person, description: string) =>
      who.patch(`${API2}/registered-models/update`, { name: model, description });
    expect((await describing(at(alice, 'a'), 'of a')).status).toBe(200);
    expect((await describing(at(bob, 'b'), 'of b')).status).toBe(200);
    const other = await at(admin, 'b').get(`${API2}/registered-models/get?name=${model}`);
    expect(other.json.registered_model).toMatchObject({ name: model, description: 'of b' });
    const models = await alice.get(`${API2}/registered-models/search`);
    expect(models.json.registered_models ?? []).toEqual([]);
  });

  test('a workspace that one is not in looks like one that is not there, whatever is asked', async () => {
    const asked: [string, string, unknown?][] = [
      ['GET', `${API2}/experiments/get?experiment_id=${experiments.b}`],
      ['GET', `${API2}/experiments/search?max_results=10`],
      ['GET', `${API2}/registered-models/get?name=${model}`],
      ['GET', `${API2}/users/current`],
      ['GET', `${API3}/workspaces`],
      [
        'GET',
        `${API2}/permissions/explain?username=${alice.username}&resource_type=registered_model&resource_id=${model}`,
      ],
      ['POST', `${API2}/experiments/create`, { name: 'mine' }],
      [
        'POST',
        `${API3}/users/permissions/grant`,
        {
          username: alice.username,
          resource_type: 'registered_model',
          resource_id: model,
          permission: 'MANAGE',
        },
      ],
      ['GET', `${ARTIFACTS}?path=workspaces/${names.b}`],
    ];
    for (const [method, target, json] of asked) {
      const answers = await Promise.all(
        [names.b, 'no-such-team'].map((workspace) =>
          inWorkspace(alice, workspace).send(method, target, json === undefined ? {} : { json }),
        ),
      );
      for (const [index, workspace] of [names.b, 'no-such-team'].entries()) {
        expect([target, answers[index]?.status, answers[index]?.json]).toEqual([
          target,
          404,
          { error_code: 'RESOURCE_DOES_NOT_EXIST', message: `Workspace '${workspace}' not found` },
        ]);
      }
    }
  });

  test('a grant on a name opens nothing of that name in another workspace', async () => {
    // carol is in both by now, and holds MANAGE on the name in one of them.
    await grantOn(at(ann, 'a'), carol, 'registered_model', model, 'MANAGE');
    await grantOn(at(bob, 'b'), carol, 'experiment', experiments.b, 'READ');
    const get = `${API2}/registered-models/get?name=${model}`;
    expect((await at(carol, 'a').get(get)).status).toBe(200);
    expect((await at(carol, 'b').get(get)).status).toBe(403);
    expect((await carol.get(get)).status).not.toBe(200);
    const patch = { name: model, description: 'hers' };
    expect((await at(carol, 'b').patch(`${API2}/registered-models/update`, patch)).status).toBe(403);
    expect((await at(carol, 'b').delete(`${API2}/registered-models/delete`, { name: model })).status).toBe(
      403,
    );
    const found = await at(carol, 'b').get(`${API2}/registered-models/search`);
    expect(found.json.registered_models ?? []).toEqual([]);
    const explained = async (workspace: 'a' | 'b') =>
      (
        await at(admin, workspace).get(
          `${API2}/permissions/explain?username=${carol.username}&resource_type=registered_model&resource_id=${model}`,
        )
      ).json.permission;
    expect([await explained('a'), await explained('b')]).toEqual(['MANAGE', 'NO_PERMISSIONS']);
    const holders = async (workspace: 'a' | 'b') =>
      (
        await at(admin, workspace).get(
          `${API2}/permissions/holders?resource_type=registered_model&resource_id=${model}`,
        )
      ).json.holders.map(({ username }: { username: string }) => username);
    expect(await holders('a')).toContain(carol.username);
    expect(await holders('b')).not.toContain(carol.username);
    expect(await holders('b')).not.toContain(alice.username);
  });

  test('grants move, go and begin with a name in one workspace alone', async () => {
    const [name, next] = [unique('model'), unique('model')];
    await createModel(at(alice, 'a'), name);
    await createModel(at(bob, 'b'), name);
    const rename = { name, new_name: next };
    expect((await at(alice, 'a').post(`${API2}/registered-models/rename`, rename)).status).toBe(200);
    const describing = (who: Person, workspace: 'a' | 'b', called: string) =>
      at(who, workspace).patch(`${API2}/registered-models/update`, { name: called, description: 'd' });
    expect((await describing(alice, 'a', next)).status).toBe(200);
    expect((await describing(bob, 'b', name)).status).toBe(200);
    expect((await at(alice, 'a').delete(`${API2}/registered-models/delete`, { name: next })).status).toBe(
      200,
    );
    expect((await describing(bob, 'b', name)).status).toBe(200);
    // Another makes one of the name: what was granted on the one before is void, and only there.
    await createModel(at(ann, 'a'), next);
    expect((await describing(alice, 'a', next)).status).toBe(403);
  });

  test('a member reads what is there and changes nothing of others; DENY is stronger', async () => {
    await assign(admin, names.a, 'user', used.ben);
    const ben = at(used.ben, 'a');
    expect((await ben.get(`${API2}/registered-models/get?name=${model}`)).status).toBe(200);
    expect((await ben.get(`${API2}/runs/get?run_id=${runs.a}`)).status).toBe(200);
    expect(
      (await ben.post(`${API2}/runs/log-metric`, { run_id: runs.a, key: 'm', value: 1, timestamp: 1 }))
        .status,
    ).toBe(403);
    const listed = await ben.get(`${API2}/registered-models/search`);
    expect(listed.json.registered_models.map(({ name }: { name: string }) => name)).toContain(model);
    await grantOn(at(ann, 'a'), used.ben, 'registered_model', model, 'DENY');
    expect((await ben.get(`${API2}/registered-models/get?name=${model}`)).status).toBe(403);
    // What is refused in one workspace is so in no other.
    expect((await at(used.ben, 'b').get(`${API2}/registered-models/get?name=${model}`)).status).toBe(200);
  });

  test('whoever administers one manages what is in it, and nothing else', async () => {
    const described = { name: model, description: 'by ann' };
    expect((await at(ann, 'a').patch(`${API2}/registered-models/update`, described)).status).toBe(200);
    expect((await at(ann, 'b').patch(`${API2}/registered-models/update`, described)).status).toBe(404);
    expect((await ann.get(`${API2}/experiments/get?experiment_id=${experiments.a}`)).status).not.toBe(200);
    const role = { name: unique('role'), workspace: names.b };
    expect((await ann.post(`${API3}/roles/create`, role)).status).toBe(403);
    expect((await ann.post(`${API3}/roles/create`, { ...role, workspace: names.a })).status).toBe(200);
    const id = await roleId(admin, names.b, 'admin');
    expect((await ann.post(`${API3}/roles/assign`, { username: ann.username, role_id: id })).status).toBe(
      403,
    );
    const granting = {
      username: ann.username,
      resource_type: 'registered_model',
      resource_id: '*',
      permission: 'MANAGE',
    };
    expect((await ann.post(`${API3}/users/permissions/grant`, granting)).status).toBe(403);
    for (const workspace of [names.b, names.a]) {
      const { status } = await ann.get(`${API3}/roles/list?workspace=${workspace}`);
      expect(status).toBe(workspace === names.a ? 200 : 403);
    }
  });

  test('new things are made by members, not by who was granted one thing', async () => {
    const newExperiment = { name: unique('e') };
    expect((await at(alice, 'a').post(`${API2}/experiments/create`, newExperiment)).status).toBe(200);
    for (const [path, body] of [
      ['experiments/create', { name: unique('e') }],
      ['registered-models/create', { name: unique('m') }],
    ] as const) {
      expect((await at(carol, 'a').post(`${API2}/${path}`, body)).status).toBe(403);
      // Nobody has a role in the default workspace.
      expect((await alice.post(`${API2}/${path}`, body)).status).toBe(403);
    }
    expect(
      (
        await at(carol, 'a').post(`${API3}/mcp-servers/io.github.x/y/versions`, {
          server_json: { name: 'io.github.x/y', version: '1' },
        })
      ).status,
    ).toBe(403);
  });

  test('only admins make, change and delete workspaces; others see theirs', async () => {
    const seen = async (who: Person) =>
      (await who.get(`${API3}/workspaces`)).json.workspaces?.map(({ name }: { name: string }) => name) ?? [];
    expect(await seen(alice)).toEqual([names.a]);
    expect(await seen(at(alice, 'a'))).toEqual([names.a]);
    expect(await seen(ann)).toEqual([names.a]);
    expect(await seen(admin)).toEqual(['default', names.a, names.b].sort());
    const of = (name: string) => `${API3}/workspaces/${name}`;
    for (const who of [alice, ann, at(ann, 'a')]) {
      expect((await who.get(of(names.a))).status).toBe(200);
      expect((await who.get(of(names.b))).status).toBe(403);
      expect((await who.get(of('no-such-team'))).status).toBe(403);
      expect((await who.post(`${API3}/workspaces`, { name: unique('w') })).status).toBe(403);
      expect((await who.patch(of(names.a), { description: 'd' })).status).toBe(403);
      expect((await who.delete(of(names.a))).status).toBe(403);
    }
  });

  test('the roles of a workspace go with it, and open nothing in the next of its name', async () => {
    const name = unique('short');
    expect((await admin.post(`${API3}/workspaces`, { name })).status).toBe(201);
    await assign(admin, name, 'user', carol);
    const there = inWorkspace(carol, name);
    expect((await there.get(`${API2}/experiments/search?max_results=5`)).status).toBe(200);
    const made = await createExperiment(there);
    expect((await admin.delete(`${API3}/workspaces/${name}?mode=CASCADE`)).status).toBe(204);
    expect((await there.get(`${API2}/experiments/search?max_results=5`)).status).toBe(404);
    expect((await admin.post(`${API3}/workspaces`, { name })).status).toBe(201);
    expect((await there.get(`${API2}/experiments/get?experiment_id=${made}`)).status).toBe(404);
    const { json } = await admin.get(`${API3}/roles/list?workspace=${name}`);
    expect(json.roles.map((role: { name: string }) => role.name)).toEqual(['admin', 'user']);
  });

  test.each([
    ['twice', 'A, B'],
    ['in capitals', 'TEAM-A'],
    ['with a slash', 'a/b'],
    ['as a path', '../b'],
    ['beyond its length', 'a'.repeat(64)],
    ['percent-encoded', 'team%2da'],
  ])('a header that names one %s is refused', async (_how, header) => {
    for (const person of [alice, admin]) {
      const { status } = await inWorkspace(person, header).get(`${API2}/experiments/search?max_results=5`);
      expect(status).toBe(400);
    }
  });

  test('two headers are refused, however they are spelled', async () => {
    const headers = { 'x-mlflow-workspace': names.a, 'x_mlflow-workspace': names.b };
    expect((await alice.get(`${API2}/experiments/search?max_results=5`, { headers })).status).toBe(400);
    const spelled = await alice.get(`${API2}/registered-models/get?name=${model}`, {
      headers: { X_MLFLOW_WORKSPACE: names.a },
    });
    expect(spelled.status).toBe(200);
  });

  test('artifacts are those of the workspace of the request', async () => {
    const mine = `workspaces/${names.a}/${experiments.a}/${runs.a}/artifacts/f.txt`;
    const theirs = `workspaces/${names.b}/${experiments.b}/${runs.b}/artifacts/f.txt`;
    const put = (who: Person, path: string) => who.send('PUT', `${ARTIFACTS}/${path}`, { raw: 'mine' });
    expect((await put(at(alice, 'a'), mine)).status).toBe(200);
    expect((await put(at(bob, 'b'), theirs)).status).toBe(200);
    expect((await at(alice, 'a').get(`${ARTIFACTS}/${mine}`)).text).toBe('mine');
    // As MLflow has it: without the workspace, the path is below it.
    const short = `${experiments.a}/${runs.a}/artifacts/f.txt`;
    expect((await at(alice, 'a').get(`${ARTIFACTS}/${short}`)).text).toBe('mine');
    for (const path of [
      theirs,
      theirs.replace('workspaces', 'WORKSPACES'),
      `${experiments.b}/${runs.b}/artifacts/f.txt`,
    ]) {
      for (const who of [at(alice, 'a'), alice, at(ann, 'a')]) {
        expect((await who.get(`${ARTIFACTS}/${path}`)).status).toBe(403);
        expect((await put(who, path)).status).toBe(403);
        expect((await who.delete(`${ARTIFACTS}/${path}`)).status).toBe(403);
      }
    }
    // Without the header it is the default workspace, where it does not lie.
    expect((await alice.get(`${ARTIFACTS}/${mine}`)).status).toBe(403);
    for (const path of ['workspaces', `workspaces/${names.b}`, '.', '']) {
      expect((await at(alice, 'a').get(`${ARTIFACTS}?path=${path}`)).status).toBeOneOf([400, 403]);
    }
  });

  test('searches, GraphQL and spans stay in the workspace', async () => {
    const graphql = (who: Person, run: string) =>
      who.post('/graphql', {
        query: `{ mlflowGetRun(input: { runId: "${run}" }) { run { info { runId } } } }`,
      });
    expect((await graphql(at(alice, 'a'), runs.a)).json.data.mlflowGetRun.run.info.runId).toBe(runs.a);
    expect((await graphql(at(alice, 'a'), runs.b)).json.data?.mlflowGetRun?.run ?? null).toBeNull();
    expect((await graphql(alice, runs.a)).json.data?.mlflowGetRun?.run ?? null).toBeNull();
    const ids = async (who: Person) =>
      (
        await who.post(`${API2}/runs/search`, { experiment_ids: [experiments.a, experiments.b] })
      ).json.runs?.map(({ info }: { info: { run_id: string } }) => info.run_id) ?? [];
    expect(await ids(at(alice, 'a'))).toEqual([runs.a]);
    expect(await ids(alice)).toEqual([]);
    expect(await ids(at(ann, 'a'))).toEqual([runs.a]);

    const trace = randomBytes(16).toString('hex');
    const spans = (who: Person, experiment: string, span = '00000000000000aa') =>
      who.send('POST', '/v1/traces', {
        raw: encodeSpans([{ trace, span }]),
        headers: { 'content-type': 'application/x-protobuf', 'x-mlflow-experiment-id': experiment },
      });
    expect((await spans(at(bob, 'b'), experiments.b)).status).toBe(200);
    expect((await spans(at(alice, 'a'), experiments.b)).status).not.toBe(200);
    expect((await at(alice, 'a').get(`${API3}/traces/tr-${trace}`)).status).toBe(403);
    // A trace of the id lies in another workspace, and stays there as it is.
    await spans(at(alice, 'a'), experiments.a, '00000000000000bb');
    const start = {
      trace: {
        trace_info: {
          trace_id: `tr-${trace}`,
          trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experiments.a } },
          request_time: '2026-01-01T00:00:00Z',
          state: 'OK',
        },
      },
    };
    await at(alice, 'a').post(`${API3}/traces`, start);
    const kept = await at(bob, 'b').get(`${API3}/traces/tr-${trace}`);
    expect(kept.json.trace?.trace_info?.trace_location?.mlflow_experiment?.experiment_id).toBe(experiments.b);
    const artifact = `/ajax-api/3.0/mlflow/get-trace-artifact?request_id=tr-${trace}`;
    expect((await at(alice, 'a').get(artifact)).status).not.toBe(200);
    expect((await at(bob, 'b').get(artifact)).json.spans).toHaveLength(1);
  });

  test('whoever manages all of one reaches nothing of another by its id', async () => {
    const ben = at(used.ben, 'b');
    const made = async (path: string, json: unknown) => {
      const answer = await ben.post(path, json);
      expect(answer.status, `${path}: ${answer.text}`).toBe(200);
      return answer.json;
    };
    const experiment_id = experiments.b;
    const { secret_id } = (
      await made(`${API3}/gateway/secrets/create`, {
        secret_name: unique('key'),
        secret_value: { api_key: 'sk-of-b' },
        provider: 'openai',
      })
    ).secret;
    const { model_definition_id } = (
      await made(`${API3}/gateway/model-definitions/create`, {
        name: unique('definition'),
        secret_id,
        provider: 'openai',
        model_name: 'gpt-4o',
      })
    ).model_definition;
    const { model_id } = (await made(`${API2}/logged-models`, { experiment_id, name: 'm' })).model.info;
    const { dataset_id } = (
      await made(`${API3}/datasets/create`, { name: unique('d'), experiment_ids: [experiment_id] })
    ).dataset;
    const attempts: readonly [method: string, target: string, json?: unknown][] = [
      ['GET', `${API3}/gateway/secrets/get?secret_id=${secret_id}`],
      ['POST', `${API3}/gateway/secrets/update`, { secret_id, secret_value: { api_key: 'sk-of-a' } }],
      ['DELETE', `${API3}/gateway/secrets/delete`, { secret_id }],
      ['GET', `${API3}/gateway/model-definitions/get?model_definition_id=${model_definition_id}`],
      ['POST', `${API3}/gateway/model-definitions/update`, { model_definition_id, name: unique('stolen') }],
      ['DELETE', `${API3}/gateway/model-definitions/delete`, { model_definition_id }],
      [
        'POST',
        `${API3}/gateway/model-definitions/create`,
        { name: unique('d'), secret_id, provider: 'openai', model_name: 'gpt-4o' },
      ],
      ['GET', `${API2}/experiments/get?experiment_id=${experiment_id}`],
      ['POST', `${API2}/experiments/update`, { experiment_id, new_name: unique('stolen') }],
      ['POST', `${API2}/experiments/set-experiment-tag`, { experiment_id, key: 'k', value: 'v' }],
      ['POST', `${API2}/experiments/delete`, { experiment_id }],
      ['POST', `${API2}/runs/create`, { experiment_id, start_time: 1 }],
      ['GET', `${API2}/runs/get?run_id=${runs.b}`],
      ['POST', `${API2}/runs/delete`, { run_id: runs.b }],
      ['GET', `${API2}/artifacts/list?run_id=${runs.b}`],
      ['GET', `/get-artifact?run_id=${runs.b}&path=f.txt`],
      ['GET', `${API2}/logged-models/${model_id}`],
      ['DELETE', `${API2}/logged-models/${model_id}`],
      ['POST', `${API2}/logged-models`, { experiment_id, name: 'mine' }],
      ['GET', `${API3}/datasets/${dataset_id}`],
      ['DELETE', `${API3}/datasets/${dataset_id}`],
      ['POST', `${API3}/scorers/register`, { experiment_id, name: 's', serialized_scorer: '{}' }],
      ['GET', `${API3}/scorers/list?experiment_id=${experiment_id}`],
      ['POST', `${API3}/label-schemas/create`, { experiment_id, name: 'n', type: 'FEEDBACK' }],
    ];
    for (const [method, target, json] of attempts) {
      const sent = json === undefined ? {} : { json };
      const { status, text } = await at(ann, 'a').send(method, target, sent);
      expect([method, target, status >= 400 || text === '{}' ? 'refused' : `${status} ${text}`]).toEqual([
        method,
        target,
        'refused',
      ]);
    }
    for (const path of [
      'gateway/secrets/list',
      'gateway/model-definitions/list',
      `datasets/search?experiment_ids=${experiment_id}`,
    ]) {
      const { text } = await at(ann, 'a').get(`${API3}/${path}`);
      expect(text).not.toContain(secret_id);
      expect(text).not.toContain(model_definition_id);
      expect(text).not.toContain(dataset_id);
    }
    // All of it is there still.
    expect((await ben.get(`${API3}/gateway/secrets/get?secret_id=${secret_id}`)).status).toBe(200);
    expect((await ben.get(`${API2}/runs/get?run_id=${runs.b}`)).json.run.info.lifecycle_stage).toBe('active');
    expect((await ben.get(`${API2}/logged-models/${model_id}`)).status).toBe(200);
    const kept = await ben.get(`${API2}/experiments/get?experiment_id=${experiment_id}`);
    expect(kept.json.experiment).toMatchObject({ lifecycle_stage: 'active' });
    expect(kept.json.experiment.tags ?? []).not.toContainEqual({ key: 'k', value: 'v' });
  });

  test('what an admin does lands where it was meant', async () => {
    const there = at(admin, 'a');
    const experiment = await createExperiment(there);
    const run = await createRun(there, experiment);
    expect((await there.get(`${API2}/runs/get?run_id=${run}`)).status).toBe(200);
    expect((await admin.get(`${API2}/runs/get?run_id=${run}`)).status).toBe(404);
    expect(
      (await inWorkspace(admin, 'no-such-team').post(`${API2}/experiments/create`, { name: 'e' })).status,
    ).toBe(404);
    const granting = {
      username: alice.username,
      resource_type: 'experiment',
      resource_id: '1',
      permission: 'READ',
    };
    expect(
      (await inWorkspace(admin, 'no-such-team').post(`${API3}/users/permissions/grant`, granting)).status,
    ).toBe(404);
  });

  test('a token that is confined to things of the default workspace opens none of another', async () => {
    const scope = { resources: [{ resource_type: 'registered_model', resource_id: model }] };
    const made = await alice.post(`${API2}/users/tokens/create`, { name: unique('t'), scope });
    const confined = gateway.as(alice.username, made.json.secret);
    expect((await at(confined, 'a').get(`${API2}/registered-models/get?name=${model}`)).status).toBe(403);
    const free = await alice.post(`${API2}/users/tokens/create`, { name: unique('t') });
    const whole = gateway.as(alice.username, free.json.secret);
    expect((await at(whole, 'a').get(`${API2}/registered-models/get?name=${model}`)).status).toBe(200);
  });

  test('a page token of one workspace is none of another', async () => {
    const user = await gateway.person('pages');
    for (const [owner, workspace] of [
      [alice, 'a'],
      [bob, 'b'],
    ] as const) {
      for (const _ of [1, 2]) {
        const name = await createModel(at(owner, workspace));
        await grantOn(at(owner, workspace), user, 'registered_model', name, 'READ');
      }
    }
    const search = (workspace: 'a' | 'b', token = '') =>
      at(user, workspace).get(`${API2}/registered-models/search?max_results=1${token}`);
    const next = (await search('a')).json.next_page_token;
    expect((await search('a', `&page_token=${encodeURIComponent(next)}`)).status).toBe(200);
    expect((await search('b', `&page_token=${encodeURIComponent(next)}`)).status).toBe(400);
  });

  test('skills that one may read are found page by page in any workspace', async () => {
    const user = await gateway.person('skills');
    const names: string[] = [];
    for (const _ of [1, 2, 3]) {
      const name = unique('skill');
      expect((await at(alice, 'a').post(`${API3}/skills`, { name })).status).toBe(200);
      await grantOn(at(alice, 'a'), user, 'skill', name, 'READ');
      names.push(name);
    }
    const found: string[] = [];
    let token = '';
    do {
      const { json } = await at(user, 'a').get(`${API3}/skills?max_results=1${token}`);
      found.push(...json.skills.map(({ name }: { name: string }) => name));
      token = json.next_page_token ? `&page_token=${encodeURIComponent(json.next_page_token)}` : '';
    } while (token !== '' && found.length < 10);
    expect(found.toSorted()).toEqual(names.toSorted());
  });

  test('the audit log says which workspace it was about', async () => {
    const name = unique('audited');
    await createModel(at(alice, 'a'), name);
    const update = { name, description: 'another’s' };
    expect((await at(used.ben, 'a').patch(`${API2}/registered-models/update`, update)).status).toBe(403);
    await grantOn(at(alice, 'a'), carol, 'registered_model', name, 'EDIT');
    const because = async (): Promise<string[]> => {
      const found = await admin.get(
        `${API2}/audit/search?resource_type=registered_model&resource_id=${name}`,
      );
      return found.json.entries.map((entry: { because: string }) => entry.because);
    };
    const here = `workspace ${names.a}: `;
    // An entry is found at the latest a second after its request.
    await expect
      .poll(because, { timeout: 10_000 })
      .toContainEqual(expect.stringMatching(`^${here}needs EDIT on`));
    expect((await because()).filter((each) => each.startsWith(here)).length).toBeGreaterThan(1);
  });

  test('a role that is taken away closes its workspace at the next request', async () => {
    const user = await gateway.person('short');
    await assign(admin, names.a, 'user', user);
    expect((await at(user, 'a').get(`${API2}/runs/get?run_id=${runs.a}`)).status).toBe(200);
    const taken = { username: user.username, role_id: await roleId(admin, names.a, 'user') };
    expect((await admin.delete(`${API3}/roles/unassign`, taken)).status).toBe(200);
    expect((await at(user, 'a').get(`${API2}/runs/get?run_id=${runs.a}`)).status).toBe(404);
  });
});
