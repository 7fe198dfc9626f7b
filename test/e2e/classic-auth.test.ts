import { describe, expect, test } from 'vitest';
import { createExperiment, createRun, type Person, unique } from '../support/gateway.ts';
import { isMlflow2, MLFLOW_VERSIONS, OLDEST, runPython } from '../support/mlflow.ts';
import { openGateway, useGateway } from '../support/use-gateway.ts';

const API = '/api/2.0/mlflow';
const FILES = '/api/2.0/mlflow-artifacts/artifacts';

/** The whole classic client of MLflow 2.15, call by call, as an admin; prints what went otherwise than expected. */
const CLIENT = `
import os, secrets
from mlflow.exceptions import MlflowException
from mlflow.server.auth.client import AuthServiceClient
client = AuthServiceClient(os.environ["MLFLOW_TRACKING_URI"])

def refused(ask, code):
    try:
        ask()
    except MlflowException as error:
        assert error.error_code == code, (error.error_code, str(error))
        return str(error)
    raise AssertionError(f"{code} expected")

name, password = "user-" + secrets.token_hex(4), secrets.token_hex(8)
user = client.create_user(name, password)
assert (user.username, user.is_admin, user.experiment_permissions, user.registered_model_permissions) == (name, False, [], [])
assert client.get_user(name).id == user.id
message = refused(lambda: client.create_user(name, password), "RESOURCE_ALREADY_EXISTS")
assert f"User (username={name}) already exists" in message and "INSERT" not in message, message
assert "not found" in refused(lambda: client.get_user("nobody-" + name), "RESOURCE_DOES_NOT_EXIST")
refused(lambda: client.create_user("", password), "INVALID_PARAMETER_VALUE")

for create, get, update, delete, held in (
    (client.create_experiment_permission, client.get_experiment_permission, client.update_experiment_permission,
     client.delete_experiment_permission, "experiment_permissions"),
    (client.create_registered_model_permission, client.get_registered_model_permission,
     client.update_registered_model_permission, client.delete_registered_model_permission,
     "registered_model_permissions"),
):
    # An admin may write a grant on an id that does not exist (yet), whatever it looks like.
    id = secrets.token_hex(5)
    granted = create(id, name, "READ")
    assert (granted.user_id, granted.permission) == (user.id, "READ")
    assert get(id, name).permission == "READ"
    assert "already exists" in refused(lambda: create(id, name, "READ"), "RESOURCE_ALREADY_EXISTS")
    assert "Invalid permission" in refused(lambda: create(id + "x", name, "OWNER"), "INVALID_PARAMETER_VALUE")
    refused(lambda: create(id, "nobody-" + name, "READ"), "RESOURCE_DOES_NOT_EXIST")
    for permission in ("EDIT", "MANAGE", "NO_PERMISSIONS", "READ"):
        update(id, name, permission)
        assert get(id, name).permission == permission
    assert "Invalid permission" in refused(lambda: update(id, name, "x"), "INVALID_PARAMETER_VALUE")
    assert [each.permission for each in getattr(client.get_user(name), held)] == ["READ"]
    delete(id, name)
    for ask in (lambda: get(id, name), lambda: update(id, name, "READ"), lambda: delete(id, name)):
        assert "not found" in refused(ask, "RESOURCE_DOES_NOT_EXIST")

client.update_user_password(name, "another long password")
client.update_user_admin(name, True)
assert client.get_user(name).is_admin
client.update_user_admin(name, False)
client.delete_user(name)
refused(lambda: client.get_user(name), "RESOURCE_DOES_NOT_EXIST")
refused(lambda: client.delete_user(name), "RESOURCE_DOES_NOT_EXIST")
print("done")
`;

test('the classic client of MLflow 2.15 works call by call', async () => {
  const { gateway } = await openGateway({ version: OLDEST });
  const printed = await runPython(OLDEST, CLIENT, {
    MLFLOW_TRACKING_URI: gateway.url,
    MLFLOW_TRACKING_USERNAME: gateway.admin.username,
    MLFLOW_TRACKING_PASSWORD: gateway.admin.password,
    MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
  });
  expect(printed.trim()).toBe('done');
});

describe.each(MLFLOW_VERSIONS)('in front of MLflow %s', (version) => {
  const { gateway, admin, alice, bob } = useGateway({ version, people: ['alice', 'bob'] });

  const status = async (answer: Promise<{ status: number }>) => (await answer).status;
  const permit = (by: Person, family: 'experiments' | 'registered-models', json: Record<string, string>) =>
    by.post(`${API}/${family}/permissions/create`, json);

  test('who has not signed in is told so in MLflow’s words, and how', async () => {
    const wrong = gateway.as(alice.username, 'not her password');
    for (const who of [gateway.anonymous, wrong, gateway.as('nobody at all', alice.password)]) {
      const answer = await who.get(`${API}/experiments/get?experiment_id=0`);
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Basic realm="mlflow", charset="UTF-8"');
      expect(answer.text).toContain('You are not authenticated');
    }
  });

  test('who may not is told so in MLflow’s words', async () => {
    const experiment = await createExperiment(alice);
    const answer = await bob.get(`${API}/experiments/get?experiment_id=${experiment}`);
    expect(answer.status).toBe(403);
    expect(answer.json).toMatchObject({
      error_code: 'PERMISSION_DENIED',
      message: expect.stringMatching(/^Permission denied\./),
    });
  });

  test('one changes one’s own password as the client of this version does', async () => {
    const who = await gateway.person();
    const password = 'another long password';
    const change = { username: who.username, password };
    const path = `${API}/users/update-password`;
    if (isMlflow2(version)) {
      expect(await status(who.patch(path, change))).toBe(200);
    } else {
      expect(await status(who.patch(path, change))).toBe(400);
      expect(await status(who.patch(path, { ...change, current_password: who.password }))).toBe(200);
    }
    expect(await status(who.get(`${API}/users/get?username=${who.username}`))).toBe(401);
    const after = gateway.as(who.username, password);
    expect(await status(after.get(`${API}/users/get?username=${who.username}`))).toBe(200);
  });

  test('users are made, changed and removed by admins alone', async () => {
    const password = 'a long enough password';
    for (const [method, path, json] of [
      ['POST', 'create', { username: unique('x'), password }],
      ['PATCH', 'update-admin', { username: bob.username, is_admin: true }],
      ['PATCH', 'update-password', { username: alice.username, password }],
      ['DELETE', 'delete', { username: alice.username }],
    ] as const) {
      expect(await status(bob.send(method, `${API}/users/${path}`, { json })), path).toBe(403);
      expect(await status(gateway.anonymous.send(method, `${API}/users/${path}`, { json })), path).toBe(401);
    }
    expect(await status(bob.get(`${API}/users/get?username=${alice.username}`))).toBe(403);
    expect(await status(bob.get(`${API}/users/get?username=${bob.username}`))).toBe(200);
  });

  test.each(['', 'short', 'x'.repeat(73), 12345678901234, null, ['a long enough password']])(
    'the password %j is refused',
    async (password) => {
      const answer = await admin.post(`${API}/users/create`, { username: unique('x'), password });
      expect(answer.status).toBe(400);
      expect(answer.text).not.toMatch(/\$2|scrypt|SELECT|INSERT|sqlite/i);
    },
  );

  test('a permission opens an experiment as far as it says', async () => {
    const attempts = async (who: Person, experiment: string, run: string) => [
      await status(who.get(`${API}/experiments/get?experiment_id=${experiment}`)),
      await status(who.post(`${API}/runs/log-parameter`, { run_id: run, key: unique('k'), value: 'v' })),
      await status(
        who.post(`${API}/experiments/update`, { experiment_id: experiment, new_name: unique('e') }),
      ),
      await status(
        permit(who, 'experiments', { experiment_id: experiment, username: unique('no'), permission: 'READ' }),
      ),
      await status(who.post(`${API}/runs/delete`, { run_id: run })),
    ];
    for (const [permission, expected] of [
      ['NO_PERMISSIONS', [403, 403, 403, 403, 403]],
      ['READ', [200, 403, 403, 403, 403]],
      ['EDIT', [200, 200, 200, 403, 403]],
      // The user of the grant does not exist: 404 tells that giving it was allowed.
      ['MANAGE', [200, 200, 200, 404, 200]],
    ] as const) {
      const experiment = await createExperiment(alice);
      const run = await createRun(alice, experiment);
      expect(await attempts(bob, experiment, run)).toEqual([403, 403, 403, 403, 403]);
      const grant = { experiment_id: experiment, username: bob.username, permission };
      expect(await status(permit(alice, 'experiments', grant))).toBe(200);
      expect(await attempts(bob, experiment, run), permission).toEqual(expected);
    }
  });

  test('a permission opens a registered model as far as it says', async () => {
    const attempts = async (who: Person, name: string) => [
      await status(who.get(`${API}/registered-models/get?name=${name}`)),
      await status(who.patch(`${API}/registered-models/update`, { name, description: 'd' })),
      await status(permit(who, 'registered-models', { name, username: unique('no'), permission: 'READ' })),
      await status(who.delete(`${API}/registered-models/delete`, { name })),
    ];
    for (const [permission, expected] of [
      ['NO_PERMISSIONS', [403, 403, 403, 403]],
      ['READ', [200, 403, 403, 403]],
      ['EDIT', [200, 200, 403, 403]],
      ['MANAGE', [200, 200, 404, 200]],
    ] as const) {
      const name = unique('m');
      expect(await status(alice.post(`${API}/registered-models/create`, { name }))).toBe(200);
      expect(await attempts(bob, name)).toEqual([403, 403, 403, 403]);
      await permit(alice, 'registered-models', { name, username: bob.username, permission });
      expect(await attempts(bob, name), permission).toEqual(expected);
    }
  });

  test('a model made anew under a deleted one’s name is its new creator’s alone', async () => {
    const name = unique('m');
    await alice.post(`${API}/registered-models/create`, { name });
    await permit(alice, 'registered-models', { name, username: bob.username, permission: 'MANAGE' });
    expect(await status(bob.delete(`${API}/registered-models/delete`, { name }))).toBe(200);
    const carol = await gateway.person('carol');
    expect(await status(carol.post(`${API}/registered-models/create`, { name }))).toBe(200);
    for (const who of [alice, bob]) {
      expect(await status(who.get(`${API}/registered-models/get?name=${name}`))).toBe(403);
      expect(await status(who.delete(`${API}/registered-models/delete`, { name }))).toBe(403);
    }
    expect(await status(carol.get(`${API}/registered-models/get?name=${name}`))).toBe(200);
  });

  test('a rename takes the permissions along, and leaves none on the old name', async () => {
    const [name, newName] = [unique('old'), unique('new')];
    await alice.post(`${API}/registered-models/create`, { name });
    await permit(alice, 'registered-models', { name, username: bob.username, permission: 'READ' });
    const renamed = await alice.post(`${API}/registered-models/rename`, { name, new_name: newName });
    expect(renamed.status).toBe(200);
    expect(await status(bob.get(`${API}/registered-models/get?name=${newName}`))).toBe(200);
    expect(
      await status(alice.patch(`${API}/registered-models/update`, { name: newName, description: 'd' })),
    ).toBe(200);
    const carol = await gateway.person('carol');
    expect(await status(carol.post(`${API}/registered-models/create`, { name }))).toBe(200);
    for (const who of [alice, bob]) {
      expect(await status(who.get(`${API}/registered-models/get?name=${name}`))).toBe(403);
    }
  });

  test('a refused create, rename or delete changes nobody’s permissions', async () => {
    const [hers, his] = [unique('hers'), unique('his')];
    await alice.post(`${API}/registered-models/create`, { name: hers });
    await bob.post(`${API}/registered-models/create`, { name: his });
    expect(await status(bob.post(`${API}/registered-models/create`, { name: hers }))).toBe(400);
    expect(await status(bob.post(`${API}/registered-models/rename`, { name: his, new_name: hers }))).toBe(
      400,
    );
    expect(
      await status(bob.post(`${API}/registered-models/rename`, { name: hers, new_name: unique('x') })),
    ).toBe(403);
    expect(await status(bob.delete(`${API}/registered-models/delete`, { name: hers }))).toBe(403);
    expect(await status(alice.get(`${API}/registered-models/get?name=${hers}`))).toBe(200);
    expect(await status(bob.get(`${API}/registered-models/get?name=${hers}`))).toBe(403);
    expect(await status(bob.get(`${API}/registered-models/get?name=${his}`))).toBe(200);
  });

  test('an experiment keeps its permissions through delete and restore', async () => {
    const experiment = await createExperiment(alice);
    await permit(alice, 'experiments', {
      experiment_id: experiment,
      username: bob.username,
      permission: 'READ',
    });
    expect(await status(bob.post(`${API}/experiments/delete`, { experiment_id: experiment }))).toBe(403);
    expect(await status(alice.post(`${API}/experiments/delete`, { experiment_id: experiment }))).toBe(200);
    expect(await status(bob.post(`${API}/experiments/restore`, { experiment_id: experiment }))).toBe(403);
    expect(await status(alice.post(`${API}/experiments/restore`, { experiment_id: experiment }))).toBe(200);
    expect(await status(bob.get(`${API}/experiments/get?experiment_id=${experiment}`))).toBe(200);
  });

  test('artifacts through the proxy follow the experiment they lie in', async () => {
    const experiment = await createExperiment(alice);
    const run = await createRun(alice, experiment);
    const file = `${FILES}/${experiment}/${run}/artifacts/a%20b.txt`;
    const list = `${FILES}?path=${experiment}/${run}/artifacts`;
    const put = (who: Person) => status(who.send('PUT', file, { raw: 'content' }));
    expect(await put(bob)).toBe(403);
    expect(await put(alice)).toBe(200);
    expect((await alice.get(file)).text).toBe('content');
    expect((await alice.get(list)).json.files).toHaveLength(1);
    for (const target of [file, list]) {
      expect(await status(bob.get(target))).toBe(403);
    }
    // The root of all artifacts is for admins alone, however it is named.
    for (const root of ['', '?path=', '?path=.']) {
      expect(await status(bob.get(`${FILES}${root}`))).toBeOneOf([400, 403]);
    }
    await permit(alice, 'experiments', {
      experiment_id: experiment,
      username: bob.username,
      permission: 'EDIT',
    });
    expect(await status(bob.get(file))).toBe(200);
    expect(await put(bob)).toBe(200);
    // CVE-2024-4263: EDIT is not enough to delete.
    const folder = `${FILES}/${experiment}/${run}/artifacts`;
    expect(await status(bob.delete(folder))).toBe(403);
    expect(await status(alice.delete(folder))).toBe(200);
    expect(await status(alice.get(file))).not.toBe(200);
  });

  test('both prefixes of the API are judged alike', async () => {
    const experiment = await createExperiment(alice);
    for (const prefix of ['/api', '/ajax-api']) {
      const target = `${prefix}/2.0/mlflow/experiments/get?experiment_id=${experiment}`;
      expect(await status(alice.get(target))).toBe(200);
      expect(await status(bob.get(target))).toBe(403);
      expect(await status(bob.send('HEAD', target))).not.toBe(200);
    }
  });
});
