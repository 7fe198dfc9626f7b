/** Artifacts belong to the experiment whose own location their path begins with, wherever MLflow was told to keep them. */
import { describe, expect, test } from 'vitest';
import { createExperiment, createRun, grant, unique } from '../support/gateway.ts';
import { NEWEST } from '../support/mlflow.ts';
import { useGateway, useMlflow } from '../support/use-gateway.ts';

const ARTIFACTS = '/api/2.0/mlflow-artifacts/artifacts';
const A2 = '/api/2.0/mlflow';

describe('in front of an MLflow with --default-artifact-root mlflow-artifacts:/team/data', () => {
  const mlflow = useMlflow({
    version: NEWEST,
    args: ['--default-artifact-root', 'mlflow-artifacts:/team/data'],
  });
  const { gateway, alice, bob } = useGateway({
    upstream: () => mlflow.socketUri,
    settings: { default_permission: 'NO_PERMISSIONS' },
    people: ['alice', 'bob'],
  });

  test('an owner has the artifacts, and nobody else', async () => {
    const experiment = await createExperiment(alice);
    const run = await createRun(alice, experiment);
    const path = `team/data/${experiment}/${run}/artifacts`;
    const { artifact_location } = (await alice.get(`${A2}/experiments/get?experiment_id=${experiment}`)).json
      .experiment;
    expect(artifact_location).toBe(`mlflow-artifacts:/team/data/${experiment}`);
    const file = `${ARTIFACTS}/${path}/a.txt`;
    expect((await alice.send('PUT', file, { raw: 'alice’s' })).status).toBe(200);
    expect((await alice.get(file)).text).toBe('alice’s');
    expect((await alice.get(`${ARTIFACTS}?path=${path}`)).json.files).toHaveLength(1);
    for (const method of ['GET', 'PUT', 'DELETE']) {
      expect((await bob.send(method, file)).status, method).toBe(403);
    }
    expect((await bob.get(`${ARTIFACTS}?path=${path}`)).status).toBe(403);
    await grant(alice, bob, { experiment }, 'READ');
    expect((await bob.get(file)).text).toBe('alice’s');
    expect((await bob.send('PUT', file, { raw: 'bob’s' })).status).toBe(403);
    expect((await alice.send('DELETE', file)).status).toBe(200);
  });

  test('a path that only looks like one’s own experiment is not', async () => {
    const [alices, bobs] = [await createExperiment(alice), await createExperiment(bob)];
    const run = await createRun(alice, alices);
    await alice.send('PUT', `${ARTIFACTS}/team/data/${alices}/${run}/artifacts/a`, { raw: 'a' });
    for (const path of [
      `${bobs}/../team/data/${alices}/${run}/artifacts/a`,
      `${bobs}/${run}/artifacts/a`,
      `team/data/${alices}/${bobs}/artifacts/a`,
      `team/${bobs}/data/${alices}/${run}/artifacts/a`,
      `${bobs}/team/data/${alices}`,
      `team/data/${alices}`,
      'team/data',
      'team',
      `TEAM/data/${bobs}/${run}/artifacts/a`,
    ]) {
      expect((await bob.get(`${ARTIFACTS}/${path}`)).status, path).toBeGreaterThanOrEqual(400);
      expect((await bob.get(`${ARTIFACTS}?path=${path}`)).status, path).toBeGreaterThanOrEqual(400);
      expect((await bob.send('PUT', `${ARTIFACTS}/${path}`, { raw: 'b' })).status).toBeGreaterThanOrEqual(
        400,
      );
    }
    expect((await alice.get(`${ARTIFACTS}/team/data/${alices}/${run}/artifacts/a`)).text).toBe('a');
  });

  test('a location that an admin chose is its experiment’s by what lies in it', async () => {
    const made = await gateway.admin.post(`${A2}/experiments/create`, {
      name: unique('e'),
      artifact_location: 'mlflow-artifacts:/chosen/here',
    });
    const experiment: string = made.json.experiment_id;
    await grant(gateway.admin, alice, { experiment }, 'MANAGE');
    const run = await createRun(alice, experiment);
    const file = `${ARTIFACTS}/chosen/here/${run}/artifacts/a.txt`;
    expect((await alice.send('PUT', file, { raw: 'a' })).status).toBe(200);
    expect((await bob.get(file)).status).toBe(403);
    const other = await createRun(bob, await createExperiment(bob));
    expect((await bob.get(`${ARTIFACTS}/chosen/here/${other}/artifacts/a.txt`)).status).toBe(403);
  });
});

describe('in front of an MLflow that', () => {
  const { gateway, alice, upstream } = useGateway({
    fake: true,
    settings: { default_permission: 'NO_PERMISSIONS' },
    people: ['alice'],
  });

  /** Has a new MLflow answer look-ups so, and every artifact with some bytes; answers what it was asked. */
  async function answering(status: number, json: unknown): Promise<readonly string[]> {
    const asked: string[] = [];
    upstream.answer((request, response) => {
      const url = request.url ?? '';
      asked.push(url);
      if (url.includes('mlflow-artifacts')) {
        response.end('bytes');
      } else {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
      }
    });
    const { users, grants } = gateway.server.store;
    const { id = 0 } = (await users.get(alice.username)) ?? {};
    for (const experiment of ['7', '70', '71']) {
      await grants.create(id, 'experiment', experiment, 'READ');
    }
    return asked;
  }
  const at = (artifact_location: string) => ({ experiment: { experiment_id: '7', artifact_location } });
  const FILE = `7/${'a'.repeat(32)}/artifacts/a`;

  // What ends in the experiment's id is remembered: these come last.
  test.each([
    ['mlflow-artifacts:/', FILE, 403],
    ['mlflow-artifacts:/..', FILE, 403],
    ['s3://bucket/7', FILE, 403],
    ['/7', FILE, 403],
    ['mlflow-artifacts:/8', FILE, 403],
    ['mlflow-artifacts:/workspaces/team/7', FILE, 403],
    ['mlflow-artifacts:/workspaces/team/7', `workspaces/team/${FILE}`, 200],
    ['mlflow-artifacts:/workspaces/team/7', `workspaces/other/${FILE}`, 403],
  ])('keeps them at %s: %s gives %i', async (location, path, status) => {
    await answering(200, at(location));
    expect((await alice.get(`${ARTIFACTS}/${path}`)).status).toBe(status);
  });

  test.each(['mlflow-artifacts:///70/', 'mlflow-artifacts://host:5000/70', 'mlflow-artifacts:/70'])(
    'keeps them at %s has them asked for as they are',
    async (location) => {
      await answering(200, at(location));
      expect((await alice.get(`${ARTIFACTS}/70${FILE.slice(1)}`)).status).toBe(200);
    },
  );

  test.each([
    '/model-versions/get-artifact?name=theirs&version=1&path=a',
    `/ajax-api/2.0/mlflow/logged-models/m-${'b'.repeat(32)}/artifacts/files?artifact_file_path=a`,
  ])('signs addresses in its storage signs none for who may not read: %s', async (target) => {
    const asked = await answering(200, {
      model: { info: { experiment_id: '8' } },
      registered_model: { name: 'theirs', creation_timestamp: 1, last_updated_timestamp: 1 },
    });
    for (const presigned of ['true', 'false']) {
      expect((await alice.get(`${target}&presigned=${presigned}`)).status).toBe(403);
    }
    expect(asked.filter((url) => url.includes('presigned'))).toEqual([]);
  });

  test('serves artifacts alone, the number in the path decides', async () => {
    await answering(503, 'Endpoint disabled: the mlflow server is running in `--artifacts-only` mode.');
    expect((await alice.get(`${ARTIFACTS}/71${FILE.slice(1)}`)).status).toBe(200);
    expect((await alice.get(`${ARTIFACTS}/8/${FILE}`)).status).toBe(403);
  });

  test('does not answer, nothing is granted', async () => {
    await answering(500, {});
    expect((await alice.get(`${ARTIFACTS}/72${FILE.slice(1)}`)).status).toBe(503);
  });

  test('is asked for a location once, and for few of a long path', async () => {
    const asked = await answering(200, at('mlflow-artifacts:/73'));
    const looked = () => asked.filter((url) => url.includes('experiments/get?experiment_id=73')).length;
    await alice.get(`${ARTIFACTS}/73${FILE.slice(1)}`);
    await alice.get(`${ARTIFACTS}/73${FILE.slice(1)}`);
    expect(looked()).toBe(1);
    const before = asked.length;
    const numbers = Array.from({ length: 200 }, (_, index) => index + 100).join('/');
    expect((await alice.get(`${ARTIFACTS}/${numbers}`)).status).toBe(403);
    expect(asked.length - before).toBeLessThanOrEqual(8);
  });
});
