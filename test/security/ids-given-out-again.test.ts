/**
 * SQLite gives the id of an experiment out again once `mlflow gc` has removed it, and MLflow makes experiments by itself.
 * Neither opens to the former owner what is another's now, nor to the next owner what was left.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createExperiment,
  createRun,
  grant,
  grantOn,
  type Person,
  startGateway,
  type TestGateway,
  unique,
} from '../support/gateway.ts';
import { isMlflow2, MLFLOW_VERSIONS, type RunningMlflow, startMlflow } from '../support/mlflow.ts';
import { collectGarbage } from '../support/mlflow-gc.ts';
import { newTraceId } from '../support/traces.ts';

const EXPERIMENTS = '/api/2.0/mlflow/experiments';
const FILES = '/api/2.0/mlflow-artifacts/artifacts';
const A3 = '/api/3.0/mlflow';
const AI = `${A3}/gateway`;

/** What becomes of the ids that alice has had, in the order in which MLflow gives them out again. */
const USES = ['beside', 'files', 'endpoint', 'admins', 'later', 'refused', 'datasets'] as const;
type Use = (typeof USES)[number];

const get = (by: Person, id: string) => by.get(`${EXPERIMENTS}/get?experiment_id=${id}`);

describe.each(MLFLOW_VERSIONS)('MLflow %s', (version) => {
  const dir = mkdtempSync(join(tmpdir(), 'again-'));
  let mlflow: RunningMlflow;
  let gateway: TestGateway;
  /** Another one on the same store. */
  let second: TestGateway;
  /** Had everything before. */
  let alice: Person;
  let bob: Person;
  /** Alice's own, that stays. */
  let kept: string;
  const ids = new Map<Use, string>();
  /** Of alice's, in the experiment whose id is given out again for its files. */
  let run: string;
  const leftTrace = newTraceId();
  /** Of alice's: alone in the experiment that is gone, and in another besides. */
  let left: string;
  let both: string;

  const start = async () => {
    const database_uri = `sqlite:///${join(dir, 'gateway.db')}`;
    gateway = await startGateway(mlflow.socketUri, { database_uri });
    second = await startGateway(mlflow.socketUri, { database_uri });
    [alice, bob] = [alice ?? (await gateway.person('alice')), bob ?? (await gateway.person('bob'))].map(
      ({ username, password }) => gateway.as(username, password),
    ) as [Person, Person];
  };
  const idFor = (use: Use): string => ids.get(use) ?? '';
  /** The same person at each gateway as it runs now. */
  const at = ({ username, password }: Person) => [gateway, second].map((each) => each.as(username, password));
  const statuses = async (by: Person, id: string) =>
    Promise.all(at(by).map(async (who) => (await get(who, id)).status));

  /** Makes an experiment past the gateway, as a script on the server would; answers its id. */
  async function makeBeside(): Promise<string> {
    const answer = await fetch(`${mlflow.uri}${EXPERIMENTS}/create`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: unique('beside') }),
    });
    return ((await answer.json()) as { experiment_id: string }).experiment_id;
  }

  const heldOn = async (by: Person, type: string) =>
    (await gateway.admin.get(`${A3}/users/permissions/list?username=${by.username}`)).json.permissions
      .filter((each: { resource_type: string }) => each.resource_type === type)
      .map((each: { resource_pattern: string }) => each.resource_pattern);

  const createDataset = async (by: Person, ...experiment_ids: string[]): Promise<string> => {
    const made = await by.post(`${A3}/datasets/create`, { name: unique('dataset'), experiment_ids });
    return made.json?.dataset?.dataset_id;
  };

  beforeAll(async () => {
    mlflow = await startMlflow({ version, dir });
    await start();
    kept = await createExperiment(alice);
    await grant(alice, bob, { experiment: kept }, 'READ');
    await grant(gateway.admin, alice, { experiment: '0' }, 'MANAGE');
    for (const use of USES) {
      ids.set(use, await createExperiment(alice));
    }
    run = await createRun(alice, idFor('files'));
    const model = `${idFor('files')}/models/m-${'a'.repeat(32)}/artifacts/x`;
    for (const path of [`${idFor('files')}/traces/${leftTrace}/artifacts/traces.json`, model]) {
      await alice.send('PUT', `${FILES}/${path}`, { raw: 'secret' });
    }
    left = await createDataset(alice, idFor('datasets'));
    both = await createDataset(alice, kept, idFor('datasets'));
    if (!isMlflow2(version)) {
      await grantOn(alice, bob, 'scorer', `${idFor('endpoint')}/judge`, 'READ');
    }
    // Both gateways have seen all of it.
    for (const who of at(alice)) {
      for (const id of ['0', ...ids.values()]) {
        expect((await get(who, id)).status).toBe(200);
      }
      expect((await who.get(`/api/2.0/mlflow/runs/get?run_id=${run}`)).status).toBe(200);
    }
    for (const id of ['0', ...ids.values()]) {
      expect((await alice.post(`${EXPERIMENTS}/delete`, { experiment_id: id })).status).toBe(200);
    }
    await collectGarbage(mlflow, dir);
    // MLflow has removed the files of the run: these stand for what it could not.
    await fetch(`${mlflow.uri}${FILES}/${idFor('files')}/${run}/artifacts/left.txt`, {
      method: 'PUT',
      body: 'secret',
    });
  });
  afterAll(async () => {
    await gateway?.close();
    await second?.close();
    await mlflow?.stop();
    rmSync(dir, { recursive: true });
  });

  test('the former owner has nothing of what is made beside the gateway, nor may grant it', async () => {
    const id = await makeBeside();
    expect(id).toBe(idFor('beside'));
    const granting = { experiment_id: id, username: bob.username, permission: 'MANAGE' };
    expect((await alice.post(`${EXPERIMENTS}/permissions/create`, granting)).status).toBe(403);
    expect([await statuses(alice, id), await statuses(bob, id)]).toEqual([
      [403, 403],
      [403, 403],
    ]);
    expect((await alice.post('/api/2.0/mlflow/runs/create', { experiment_id: id })).status).toBe(403);
    expect(await heldOn(alice, 'experiment')).not.toContain(id);
    // What is granted from now on is on the one that is there now.
    await grant(gateway.admin, bob, { experiment: id }, 'READ');
    expect(await statuses(bob, id)).toEqual([200, 200]);
  });

  test('the next owner reads no file that the former left', async () => {
    const id = await createExperiment(bob);
    expect(id).toBe(idFor('files'));
    const own = await createRun(bob, id);
    await bob.send('PUT', `${FILES}/${id}/${own}/artifacts/own.txt`, { raw: 'own' });
    const trace = `${FILES}/${id}/traces/${leftTrace}/artifacts/traces.json`;
    for (const reader of at(bob)) {
      const listed = async (path: string) =>
        ((await reader.get(`${FILES}?path=${path}`)).json.files ?? []).map(
          (file: { path: string }) => file.path,
        );
      expect((await reader.get(trace)).status).toBe(403);
      expect((await reader.delete(trace)).status).toBe(403);
      expect((await reader.get(`${FILES}/${id}/${run}/artifacts/left.txt`)).status).toBe(403);
      expect((await reader.get(`${FILES}?path=${id}/${run}/artifacts`)).status).toBe(403);
      expect((await reader.get(`${FILES}?path=${id}/${run}`)).status).toBe(403);
      expect((await listed(id)).toSorted()).toEqual([own, 'models', 'traces'].toSorted());
      expect([await listed(`${id}/traces`), await listed(`${id}/models`)]).toEqual([[], []]);
      expect(await listed(`${id}/${own}/artifacts`)).toEqual(['own.txt']);
      expect((await reader.get(`${FILES}/${id}/${own}/artifacts/own.txt`)).text).toBe('own');
    }
    // Nor are they read through a version that is said to be made of them.
    const name = unique('model');
    await bob.post('/api/2.0/mlflow/registered-models/create', { name });
    const versionOf = async (of: string) => {
      const source = `mlflow-artifacts:/${id}/${of}/artifacts`;
      return (await bob.post('/api/2.0/mlflow/model-versions/create', { name, source })).status;
    };
    expect(await versionOf(run)).toBe(403);
    // MLflow 3 asks for the run that it comes from besides.
    expect(await versionOf(own)).toBe(isMlflow2(version) ? 200 : 400);
    expect((await gateway.admin.get(trace)).text).toBe('secret');
    // Deleted is not gone: what can be restored keeps its files.
    expect((await bob.post('/api/2.0/mlflow/runs/delete', { run_id: own })).status).toBe(200);
    expect((await bob.get(`${FILES}/${id}/${own}/artifacts/own.txt`)).text).toBe('own');
  });

  describe.skipIf(isMlflow2(version))('an experiment that MLflow makes by itself', () => {
    async function newEndpoint(by: Person, name: string, more: Record<string, unknown> = {}) {
      const secret = await by.post(`${AI}/secrets/create`, {
        secret_name: unique('secret'),
        secret_value: { api_key: 'a-key' },
        provider: 'openai',
      });
      const made = await by.post(`${AI}/model-definitions/create`, {
        name: unique('definition'),
        secret_id: secret.json.secret.secret_id,
        provider: 'openai',
        model_name: 'a-model',
      });
      const { model_definition_id } = made.json.model_definition;
      const model_configs = [{ model_definition_id, linkage_type: 'PRIMARY', weight: 1 }];
      return by.post(`${AI}/endpoints/create`, { name, model_configs, ...more });
    }

    test('is of the user who has made the endpoint that it is for', async () => {
      const made = await newEndpoint(bob, unique('endpoint'));
      const id = idFor('endpoint');
      expect(made.json.endpoint.experiment_id).toBe(id);
      expect([await statuses(alice, id), await statuses(bob, id)]).toEqual([
        [403, 403],
        [200, 200],
      ]);
      expect(await heldOn(bob, 'experiment')).toContain(id);
      // Nor has anybody anything in it that lay in the one before.
      expect(await heldOn(bob, 'scorer')).not.toContain(`${id}/judge`);
      expect(await heldOn(alice, 'scorer')).not.toContain(`${id}/judge`);
    });

    test('is an admin’s whose endpoint it is for', async () => {
      const id = idFor('admins');
      expect((await newEndpoint(gateway.admin, unique('endpoint'))).json.endpoint.experiment_id).toBe(id);
      expect(await statuses(alice, id)).toEqual([403, 403]);
      expect(await heldOn(gateway.admin, 'experiment')).toContain(id);
    });

    test('is of the user who has the calls logged later', async () => {
      const { endpoint_id } = (await newEndpoint(bob, unique('endpoint'), { usage_tracking: false })).json
        .endpoint;
      const changed = await bob.post(`${AI}/endpoints/update`, { endpoint_id, usage_tracking: true });
      const id = idFor('later');
      expect(changed.json.endpoint.experiment_id).toBe(id);
      expect([await statuses(alice, id), await statuses(bob, id)]).toEqual([
        [403, 403],
        [200, 200],
      ]);
    });

    test('is of the user whose endpoint MLflow then refuses', async () => {
      const taken = unique('endpoint');
      await newEndpoint(gateway.admin, taken, { usage_tracking: false });
      const id = idFor('refused');
      // MLflow makes the experiment before it finds that the name is taken.
      expect((await newEndpoint(bob, taken)).status).toBe(400);
      expect([await statuses(alice, id), await statuses(bob, id)]).toEqual([
        [403, 403],
        [200, 200],
      ]);
    });
  });

  describe.skipIf(isMlflow2(version))('datasets', () => {
    const found = async (by: Person, method: 'GET' | 'POST', experiment: string) => {
      const answer =
        method === 'GET'
          ? await by.get(`${A3}/datasets/search?experiment_ids=${experiment}`)
          : await by.post(`${A3}/datasets/search`, { experiment_ids: [experiment] });
      return (answer.json.datasets ?? []).map((each: { dataset_id: string }) => each.dataset_id);
    };

    test('that the former owner left are found, read and changed by no next one', async () => {
      const id = await createExperiment(bob);
      expect(id).toBe(idFor('datasets'));
      const own = await createDataset(bob, id);
      for (const reader of at(bob)) {
        // The other lies in an experiment besides that bob may read.
        expect((await found(reader, 'GET', id)).toSorted()).toEqual([both, own].toSorted());
        expect((await found(reader, 'POST', id)).toSorted()).toEqual([both, own].toSorted());
        for (const path of ['', '/records', '/experiment-ids']) {
          expect((await reader.get(`${A3}/datasets/${left}${path}`)).status).toBe(403);
        }
        const add = { experiment_ids: [id] };
        expect((await reader.post(`${A3}/datasets/${left}/add-experiments`, add)).status).toBe(403);
        expect((await reader.delete(`${A3}/datasets/${left}`)).status).toBe(403);
        expect((await reader.get(`${A3}/datasets/${own}`)).status).toBe(200);
        expect((await reader.get(`${A3}/datasets/${both}`)).status).toBe(200);
        expect((await reader.delete(`${A3}/datasets/${both}`)).status).toBe(403);
      }
      expect((await alice.get(`${A3}/datasets/${left}`)).status).toBe(403);
      expect((await gateway.admin.get(`${A3}/datasets/${left}`)).status).toBe(200);
    });

    test('of the former owner are theirs still where they are in another experiment', async () => {
      expect((await alice.get(`${A3}/datasets/${both}`)).status).toBe(200);
      // One that is older than an experiment may be put into it.
      const young = await createExperiment(alice);
      const put = { experiment_ids: [young] };
      expect((await alice.post(`${A3}/datasets/${both}/add-experiments`, put)).status).toBe(200);
      expect(await found(alice, 'POST', young)).toEqual([]);
    });
  });

  test('what is deleted and restored, or looked at by a gateway that starts, keeps its grants', async () => {
    await alice.post(`${EXPERIMENTS}/delete`, { experiment_id: kept });
    expect(await statuses(bob, kept)).toEqual([200, 200]);
    expect((await alice.post(`${EXPERIMENTS}/restore`, { experiment_id: kept })).status).toBe(200);
    await gateway.close();
    await second.close();
    await start();
    expect([await statuses(alice, kept), await statuses(bob, kept)]).toEqual([
      [200, 200],
      [200, 200],
    ]);
  });

  test('what is granted before MLflow has made it is a grant', async () => {
    const next = String(Number(await makeBeside()) + 1);
    await grant(gateway.admin, bob, { experiment: next }, 'EDIT');
    expect(await makeBeside()).toBe(next);
    expect(await statuses(bob, next)).toEqual([200, 200]);
  });

  test('the default experiment that MLflow makes anew at its start is not the one that was', async () => {
    await mlflow.stop();
    mlflow = await startMlflow({ version, dir });
    await gateway.close();
    await second.close();
    await start();
    // MLflow 2 makes it only where there is no other.
    const isThere = !isMlflow2(version);
    expect((await get(gateway.admin, '0')).status).toBe(isThere ? 200 : 404);
    expect(await statuses(alice, '0')).toEqual(isThere ? [403, 403] : [404, 404]);
  });
});
