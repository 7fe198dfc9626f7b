/**
 * What an admin sends goes to MLflow even if the gateway cannot read it. Nobody inherits grants by that: not by a
 * delete that only MLflow understood, nor by a create.
 */
import { describe, expect, test } from 'vitest';
import { grant, unique } from '../support/gateway.ts';
import { MLFLOW_VERSIONS } from '../support/mlflow.ts';
import { useGateway } from '../support/use-gateway.ts';

const API = '/api/2.0/mlflow/registered-models';

describe.each(MLFLOW_VERSIONS)('in front of MLflow %s', (version) => {
  const { gateway } = useGateway({ version });

  /** As the admin, a body with a key twice: MLflow takes the last. */
  const sendTwice = (method: string, path: string, name: string, more = '') =>
    gateway.admin.send(method, `${API}/${path}`, {
      raw: `{"name":"another","name":"${name}"${more}}`,
      headers: { 'content-type': 'application/json' },
    });

  test('a delete or rename that cannot be read is refused', async () => {
    const name = unique('odd');
    expect((await gateway.admin.post(`${API}/create`, { name })).status).toBe(200);
    expect((await sendTwice('DELETE', 'delete', name)).status).toBe(400);
    expect((await sendTwice('POST', 'rename', name, ',"new_name":"x"')).status).toBe(400);
    expect((await gateway.admin.get(`${API}/get?name=${name}`)).status).toBe(200);
  });

  test('what a create makes that cannot be read belongs to the admin alone', async () => {
    const name = unique('odd');
    const bob = await gateway.person('bob');
    await grant(gateway.admin, bob, { model: name }, 'READ');
    expect((await sendTwice('POST', 'create', name)).status).toBe(200);
    expect((await bob.get(`${API}/get?name=${name}`)).status).toBe(403);
    const own = `${API}/permissions/get?name=${name}&username=`;
    expect((await gateway.admin.get(own + bob.username)).status).toBe(404);
    expect((await gateway.admin.get(own + gateway.admin.username)).status).toBe(200);
  });
});
