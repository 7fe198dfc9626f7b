/** Requests for access in front of stock MLflows: they are about what is there, follow its name, and end with it. */
import { describe, expect, test } from 'vitest';
import { createExperiment, type Person, unique } from '../support/gateway.ts';
import { MLFLOW_VERSIONS } from '../support/mlflow.ts';
import { useGateway } from '../support/use-gateway.ts';

const A2 = '/api/2.0/mlflow';

describe.each(MLFLOW_VERSIONS)('in front of MLflow %s', (version) => {
  const { gateway, admin, alice, bob } = useGateway({ version, people: ['alice', 'bob'] });

  const ask = async (by: Person, resource_type: string, resource_id: string): Promise<number> => {
    const sent = { resource_type, resource_id, permission: 'READ' };
    const { status, text, json } = await by.post(`${A2}/access-requests/create`, sent);
    expect(status, text).toBe(200);
    return json.access_request.access_request_id;
  };
  const listed = async (by: Person) => (await by.get(`${A2}/access-requests/list`)).json.access_requests;
  const modelsAsked = async (by: Person) =>
    (await listed(by))
      .filter(({ resource_type }: { resource_type: string }) => resource_type === 'registered_model')
      .map(({ resource_name }: { resource_name: string }) => resource_name);
  const grant = (by: Person, access_request_id: number) =>
    by.post(`${A2}/access-requests/answer`, { access_request_id, decision: 'grant' });

  test('an experiment is asked for by its id, and granted by whoever made it', async () => {
    const id = await createExperiment(alice);
    const get = () => bob.get(`${A2}/experiments/get?experiment_id=${id}`);
    const request = await ask(bob, 'experiment', id);
    await ask(bob, 'experiment', '123456789');
    const { name } = (await alice.get(`${A2}/experiments/get?experiment_id=${id}`)).json.experiment;
    expect(await listed(alice)).toMatchObject([
      { resource_id: id, resource_name: name, username: bob.username },
    ]);
    expect(await listed(admin)).toMatchObject([{ access_request_id: request }]);
    expect((await get()).status).toBe(403);
    expect((await grant(alice, request)).status).toBe(200);
    expect((await get()).status).toBe(200);
  });

  test('a model keeps what is asked of it through a rename, and the next of its name is asked for nothing', async () => {
    const [name, to] = [unique('asked-'), unique('renamed-')];
    await alice.post(`${A2}/registered-models/create`, { name });
    const request = await ask(bob, 'registered_model', name);
    await alice.post(`${A2}/registered-models/rename`, { name, new_name: to });
    await alice.post(`${A2}/registered-models/create`, { name });
    expect(await modelsAsked(alice)).toEqual([to]);
    expect((await grant(alice, request)).status).toBe(200);
    const get = async (model: string) => (await bob.get(`${A2}/registered-models/get?name=${model}`)).status;
    expect([await get(to), await get(name)]).toEqual([200, 403]);

    await ask(bob, 'registered_model', name);
    await alice.delete(`${A2}/registered-models/delete`, { name });
    await alice.post(`${A2}/registered-models/create`, { name });
    expect(await modelsAsked(alice)).toEqual([]);
    expect(await modelsAsked(gateway.admin)).toEqual([]);
  });
});
