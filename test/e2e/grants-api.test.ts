/** MLflow 3.17's users, grants and roles API, and the older one over the same grants, by the stock clients of both. */
import { beforeEach, describe, expect, test } from 'vitest';
import { createExperiment, type Person, unique } from '../support/gateway.ts';
import { NEWEST, OLDEST, runPython } from '../support/mlflow.ts';
import { useGateway } from '../support/use-gateway.ts';

const A2 = '/api/2.0/mlflow';
const A3 = '/api/3.0/mlflow';

const { gateway } = useGateway({ version: NEWEST });

/** Runs a script with `client`, the AuthServiceClient of a version, signed in as a user; answers the JSON it prints. */
async function withClient(version: string, who: Person, script: string, names: Record<string, string> = {}) {
  const printed = await runPython(
    version,
    `
import json, os
from mlflow.exceptions import MlflowException
from mlflow.server.auth.client import AuthServiceClient
client = AuthServiceClient(os.environ["MLFLOW_TRACKING_URI"])
names = json.loads(os.environ["NAMES"])
def refused(call):
    try:
        call()
    except MlflowException as error:
        return error.error_code
    return "allowed"
${script}`,
    {
      MLFLOW_TRACKING_URI: gateway.url,
      MLFLOW_TRACKING_USERNAME: who.username,
      MLFLOW_TRACKING_PASSWORD: who.password,
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
      NAMES: JSON.stringify(names),
    },
  );
  return JSON.parse(printed);
}

const body = (to: Person, type: string, id: string, permission?: string) => ({
  username: to.username,
  resource_type: type,
  resource_id: id,
  ...(permission !== undefined && { permission }),
});

const grant = (by: Person, to: Person, type: string, id: string, permission: string) =>
  by.post(`${A3}/users/permissions/grant`, body(to, type, id, permission));

const revoke = (by: Person, to: Person, type: string, id: string) =>
  by.post(`${A3}/users/permissions/revoke`, body(to, type, id));

async function granted(by: Person, to: Person, type: string, id: string, permission: string) {
  const answer = await grant(by, to, type, id, permission);
  if (answer.status !== 200) {
    throw new Error(`no grant: ${answer.text}`);
  }
}

/** A role that a user is in, with these grants; answers its id. */
async function roleOf(member: Person, ...permissions: [type: string, pattern: string, permission: string][]) {
  const { admin } = gateway;
  const created = await admin.post(`${A3}/roles/create`, { name: unique('role'), workspace: 'default' });
  const { id } = created.json.role;
  for (const [resource_type, resource_pattern, permission] of permissions) {
    const added = { role_id: id, resource_type, resource_pattern, permission };
    const answer = await admin.post(`${A3}/roles/permissions/add`, added);
    if (answer.status !== 200) {
      throw new Error(`no grant: ${answer.text}`);
    }
  }
  await admin.post(`${A3}/roles/assign`, { username: member.username, role_id: id });
  return id as number;
}

const canRead = async (who: Person, experiment: string) =>
  (await who.get(`${A2}/experiments/get?experiment_id=${experiment}`)).status === 200;

describe('the client of MLflow 3.17.2', () => {
  test('finds every one of its methods answered', async () => {
    const experiment = await createExperiment(gateway.admin);
    const names = { user: unique('user'), role: unique('role'), experiment };
    const seen = await withClient(
      NEWEST,
      gateway.admin,
      `
user = client.create_user(names["user"], "a long password of mine")
assert client.get_user(names["user"]).id == user.id
client.update_user_password(names["user"], "another password of mine")
client.update_user_admin(names["user"], True)
assert client.get_user(names["user"]).is_admin
client.update_user_admin(names["user"], False)
role = client.create_role("default", names["role"], "what it is for")
assert client.get_role(role.id).description == "what it is for"
assert names["role"] in [r.name for r in client.list_roles("default")]
assert names["role"] in [r.name for r in client.list_all_roles()]
assert client.update_role(role.id, description="changed").description == "changed"
permission = client.add_role_permission(role.id, "experiment", names["experiment"], "READ")
assert client.update_role_permission(permission.id, "EDIT").permission == "EDIT"
assert [p.permission for p in client.list_role_permissions(role.id)] == ["EDIT"]
assignment = client.assign_role(names["user"], role.id)
assert [a.user_id for a in client.list_role_users(role.id)] == [user.id]
assert [r.id for r in client.list_user_roles(names["user"])] == [role.id]
by_role = client.get_user_permission(names["user"], "experiment", names["experiment"])
client.unassign_role(names["user"], role.id)
client.remove_role_permission(permission.id)
client.delete_role(role.id)
by_default = client.get_user_permission(names["user"], "experiment", names["experiment"])
client.grant_user_permission(names["user"], "experiment", names["experiment"], "READ")
own = client.get_user_permission(names["user"], "experiment", names["experiment"])
[own_role] = client.list_user_roles(names["user"])
assert client.get_role(own_role.id).name == own_role.name
assert [p.permission for p in client.list_role_permissions(own_role.id)] == ["READ"]
assert [a.user_id for a in client.list_role_users(own_role.id)] == [user.id]
client.revoke_user_permission(names["user"], "experiment", names["experiment"])
client.delete_user(names["user"])
print(json.dumps({
  "steps": [[p.allowed, p.permission] for p in (by_role, by_default, own)],
  "ownRole": own_role.name == f"__user_{user.id}__",
  "gone": refused(lambda: client.get_user(names["user"])),
}))`,
      names,
    );
    expect(seen).toEqual({
      steps: [
        [true, 'EDIT'],
        [false, 'NO_PERMISSIONS'],
        [false, 'READ'],
      ],
      ownRole: true,
      gone: 'RESOURCE_DOES_NOT_EXIST',
    });
  });

  test('is refused what only an admin or the holder of MANAGE may do', async () => {
    const [alice, bob] = [await gateway.person('alice'), await gateway.person('bob')];
    const experiment = await createExperiment(alice);
    await granted(alice, bob, 'experiment', experiment, 'EDIT');
    const role = await roleOf(alice, ['experiment', '*', 'READ']);
    const names = { me: bob.username, other: alice.username, experiment, role: String(role) };
    const seen = await withClient(
      NEWEST,
      bob,
      `
me, other, role, experiment = names["me"], names["other"], int(names["role"]), names["experiment"]
print(json.dumps([refused(call) for call in (
  lambda: client.create_user("somebody", "a long password of mine"),
  lambda: client.get_user(other),
  lambda: client.update_user_password(other, "a long password of mine"),
  lambda: client.update_user_admin(me, True),
  lambda: client.delete_user(other),
  lambda: client.create_role("default", "mine"),
  lambda: client.get_role(999999),
  lambda: client.list_all_roles(),
  lambda: client.list_roles("elsewhere"),
  lambda: client.update_role(role, name="mine"),
  lambda: client.delete_role(role),
  lambda: client.add_role_permission(role, "experiment", "*", "MANAGE"),
  lambda: client.assign_role(me, role),
  lambda: client.unassign_role(other, role),
  lambda: client.list_role_users(role),
  lambda: client.list_user_roles(other),
  lambda: client.get_user_permission(other, "experiment", experiment),
  lambda: client.grant_user_permission(me, "experiment", experiment, "MANAGE"),
  lambda: client.revoke_user_permission(other, "experiment", experiment),
  lambda: client.grant_user_permission(me, "experiment", "*", "READ"),
  lambda: client.grant_user_permission(me, "run", "*", "READ"),
)]))`,
      names,
    );
    expect(new Set(seen)).toEqual(new Set(['PERMISSION_DENIED']));
  });
});

describe('the classic client and the new one', () => {
  test('show and take away what the other has granted', async () => {
    const [alice, bob, carol] = [
      await gateway.person('alice'),
      await gateway.person('bob'),
      await gateway.person('carol'),
    ];
    const experiment = await createExperiment(alice);
    const names = { experiment, bob: bob.username, carol: carol.username };
    await granted(alice, bob, 'experiment', experiment, 'READ');
    const seen = await withClient(
      OLDEST,
      alice,
      `
experiment = names["experiment"]
found = client.get_experiment_permission(experiment, names["bob"]).permission
client.update_experiment_permission(experiment, names["bob"], "EDIT")
client.create_experiment_permission(experiment, names["carol"], "READ")
print(json.dumps({"found": found}))`,
      names,
    );
    expect(seen).toEqual({ found: 'READ' });
    const rows = async (who: Person) =>
      (await who.get(`${A3}/users/current/permissions`)).json.permissions.map(
        (row: Record<string, string>) =>
          `${row['resource_type']} ${row['resource_pattern']} ${row['permission']}`,
      );
    expect(await rows(bob)).toEqual([`experiment ${experiment} EDIT`]);
    expect(await rows(carol)).toEqual([`experiment ${experiment} READ`]);
    expect((await grant(alice, carol, 'experiment', experiment, 'EDIT')).json.error_code).toBe(
      'RESOURCE_ALREADY_EXISTS',
    );
    expect((await revoke(alice, carol, 'experiment', experiment)).status).toBe(200);
    expect(await canRead(carol, experiment)).toBe(false);
    const classic = await gateway.admin.get(
      `${A2}/experiments/permissions/get?experiment_id=${experiment}&username=${carol.username}`,
    );
    expect(classic.status).toBe(404);
    const { user } = (await gateway.admin.get(`${A2}/users/get?username=${bob.username}`)).json;
    expect(user.experiment_permissions).toEqual([
      { experiment_id: experiment, permission: 'EDIT', user_id: user.id },
    ]);
  });
});

describe('a grant that MLflow would not take', () => {
  test.each([
    ['foo', '1', 'READ', /^Invalid resource type 'foo'\. Valid resource types are: \('assessment', /],
    ['experiment', '1', 'FOO', /^Invalid permission 'FOO'\. Valid permissions are: \('READ', 'USE', /],
    ['experiment', '1', 'NO_PERMISSIONS', /Resource-level grants accept only: \('DENY', 'EDIT', /],
    ['run', '1', 'READ', /supports only wildcard \('\*'\) grants\.$/],
    ['workspace', '*', 'USE', /^resource_type 'workspace' is not supported/],
    ['scorer', 'judge', 'READ', /^Invalid scorer resource_id/],
    ['experiment', '01', 'READ', /is not a valid experiment id/],
  ])('%s %s %s is refused', async (type, id, permission, message) => {
    const answer = await grant(gateway.admin, gateway.admin, type, id, permission);
    expect(answer.status).toBe(400);
    expect(answer.json.message).toMatch(message);
  });

  test.each(['run', 'trace', 'assessment', 'logged_model', 'review_queue', 'prompt_version'])(
    'all of %s is one it takes, from an admin',
    async (type) => {
      const holder = await gateway.person();
      expect((await grant(gateway.admin, holder, type, '*', 'READ')).status).toBe(200);
    },
  );
});

describe('roles', () => {
  test.each([
    ['', 'Role name cannot be empty.'],
    ['a\u0000b', 'no control characters'],
    ['a\nb', 'no control characters'],
    ['a\u007f', 'no control characters'],
    ['a\u2028b', 'no control characters'],
    ['r'.repeat(256), 'at most 255 characters'],
    ['__user_1__', 'reserved'],
  ])('are not called %j', async (name, message) => {
    const made = await gateway.admin.post(`${A3}/roles/create`, { name, workspace: 'default' });
    expect([made.status, made.json.message]).toEqual([400, expect.stringContaining(message)]);
    const role_id = await roleOf(gateway.admin);
    expect((await gateway.admin.patch(`${A3}/roles/update`, { role_id, name })).status).toBe(400);
  });

  test('may have long names in any script', async () => {
    const name = unique('Rolle-').padEnd(255, '役');
    const made = await gateway.admin.post(`${A3}/roles/create`, { name, workspace: 'default' });
    expect([made.status, made.json.role?.name]).toEqual([200, name]);
  });

  test.each(['elsewhere', '../default', 'Default', 'default ', 'a/b', '%2e%2e'])(
    'are in a workspace that is there: not %j',
    async (workspace) => {
      const made = await gateway.admin.post(`${A3}/roles/create`, { name: unique('r'), workspace });
      expect([made.status, made.json.message]).toEqual([400, `Workspace '${workspace}' does not exist.`]);
    },
  );

  test('grant to their members from the next request on, and no longer once those have left', async () => {
    const member = await gateway.person('member');
    const experiment = await createExperiment(gateway.admin);
    const role_id = await roleOf(member, ['experiment', experiment, 'READ']);
    expect(await canRead(member, experiment)).toBe(true);
    await gateway.admin.delete(`${A3}/roles/unassign`, { username: member.username, role_id });
    expect(await canRead(member, experiment)).toBe(false);
  });

  test('of another workspace grant nothing here', async () => {
    const { admin } = gateway;
    const member = await gateway.person('member');
    const experiment = await createExperiment(admin);
    const role = await gateway.server.store.roles.create({ name: unique('r'), workspace: 'elsewhere' });
    for (const [type, pattern, permission] of [
      ['experiment', experiment, 'READ'],
      ['workspace', '*', 'MANAGE'],
    ]) {
      const added = { role_id: role.id, resource_type: type, resource_pattern: pattern, permission };
      expect((await admin.post(`${A3}/roles/permissions/add`, added)).status).toBe(200);
    }
    await admin.post(`${A3}/roles/assign`, { username: member.username, role_id: role.id });
    expect(await canRead(member, experiment)).toBe(false);
    expect((await grant(member, member, 'experiment', experiment, 'READ')).status).toBe(403);
  });

  test.each([
    ['experiment', '01', "Parameter 'resource_pattern' is not a valid experiment id."],
    ['scorer', 'judge', "Invalid scorer resource_pattern. Expected '<experiment_id>/<scorer_name>'."],
  ])(
    'no role is denied a thing that nothing names: %s %s',
    async (resource_type, resource_pattern, message) => {
      const { admin } = gateway;
      const { role } = (await admin.post(`${A3}/roles/create`, { name: unique('r'), workspace: 'default' }))
        .json;
      const added = { role_id: role.id, resource_type, resource_pattern, permission: 'DENY' };
      const answer = await admin.post(`${A3}/roles/permissions/add`, added);
      expect(answer).toMatchObject({ status: 400, json: { error_code: 'INVALID_PARAMETER_VALUE', message } });
      expect(
        (await admin.get(`${A3}/roles/permissions/list?role_id=${role.id}`)).json.role_permissions,
      ).toEqual([]);
    },
  );

  test('DENY of a role outweighs MANAGE of the user', async () => {
    const owner = await gateway.person('owner');
    const experiment = await createExperiment(owner);
    await roleOf(owner, ['experiment', experiment, 'DENY']);
    expect(await canRead(owner, experiment)).toBe(false);
  });

  test('MANAGE on the workspace opens everything in it, its roles, and the grants on everything', async () => {
    const [chief, other] = [await gateway.person('chief'), await gateway.person('other')];
    const experiment = await createExperiment(gateway.admin);
    const own = await roleOf(chief, ['workspace', '*', 'MANAGE'], ['experiment', experiment, 'DENY']);
    expect(await canRead(chief, experiment)).toBe(true);
    expect((await grant(chief, other, 'experiment', '*', 'READ')).status).toBe(200);
    expect(await canRead(other, experiment)).toBe(true);
    const found = await chief.post(`${A2}/experiments/search`, { max_results: 1000 });
    expect(found.json.experiments.map((each: { experiment_id: string }) => each.experiment_id)).toContain(
      experiment,
    );
    expect((await chief.get(`${A3}/roles/users/list?role_id=${own}`)).status).toBe(200);
    expect((await chief.post(`${A3}/roles/create`, { name: unique('r'), workspace: 'default' })).status).toBe(
      200,
    );
    expect(
      (await chief.post(`${A3}/roles/create`, { name: unique('r'), workspace: 'elsewhere' })).status,
    ).toBe(403);
    expect((await chief.get(`${A3}/users/roles/list?username=${other.username}`)).json.roles).toHaveLength(1);
    expect((await chief.delete(`${A2}/users/delete`, { username: other.username })).status).toBe(403);
  });

  test('of another workspace are out of reach, by whatever second name', async () => {
    const { admin } = gateway;
    const chief = await gateway.person('chief');
    const own = await roleOf(chief, ['workspace', '*', 'MANAGE']);
    const role = await gateway.server.store.roles.create({ name: unique('r'), workspace: 'elsewhere' });
    const added = {
      role_id: role.id,
      resource_type: 'experiment',
      resource_pattern: '*',
      permission: 'READ',
    };
    const permission = (await admin.post(`${A3}/roles/permissions/add`, added)).json.role_permission;
    const there = { role_id: role.id };
    const attempts: [string, string, unknown][] = [
      ['PATCH', 'roles/update', { ...there, name: unique('r'), workspace: 'default' }],
      ['DELETE', 'roles/delete', { ...there, workspace: 'default' }],
      ['DELETE', `roles/delete?role_id=${own}`, there],
      ['POST', 'roles/create', { name: unique('r'), workspace: 'elsewhere', role_id: own }],
      ['DELETE', 'roles/permissions/remove', { role_permission_id: permission.id, role_id: own }],
      [
        'PATCH',
        'roles/permissions/update',
        { role_permission_id: permission.id, role_id: own, permission: 'EDIT' },
      ],
      ['POST', `roles/assign?role_id=${own}`, { ...there, username: chief.username }],
    ];
    for (const [method, path, json] of attempts) {
      expect([path, (await chief.send(method, `${A3}/${path}`, { json })).status]).toEqual([path, 403]);
    }
    expect((await admin.get(`${A3}/roles/get?role_id=${role.id}`)).json.role.permissions).toHaveLength(1);
  });

  test('are listed for each workspace that is asked for', async () => {
    const workspaces = [unique('here'), unique('there'), unique('elsewhere')];
    for (const workspace of workspaces) {
      await gateway.server.store.roles.create({ name: 'r', workspace });
    }
    const query = `workspace=${workspaces[0]}&workspace=${workspaces[1]}`;
    const { roles } = (await gateway.admin.get(`${A3}/roles/list?${query}`)).json;
    expect(roles.map((role: { workspace: string }) => role.workspace)).toEqual(workspaces.slice(0, 2));
  });

  test('that stand for what a single user holds are shown to that user and to administrators alone', async () => {
    const [alice, bob, chief] = await Promise.all(
      ['alice', 'bob', 'chief'].map((name) => gateway.person(name)),
    );
    if (alice === undefined || bob === undefined || chief === undefined) {
      throw new Error('nobody there');
    }
    for (const who of [alice, bob]) {
      await createExperiment(who);
    }
    const shared = await roleOf(alice, ['experiment', '*', 'USE']);
    await roleOf(chief, ['workspace', '*', 'MANAGE']);
    const listed = async (who: Person): Promise<number[]> =>
      (await who.get(`${A3}/roles/list?workspace=default`)).json.roles.map(({ id }: { id: number }) => id);
    const [own, others] = await Promise.all(
      [alice, bob].map(async (who) => -(await who.get(`${A2}/users/current`)).json.user.id),
    );
    expect(await listed(alice)).toEqual(expect.arrayContaining([own, shared]));
    expect(await listed(alice)).not.toContain(others);
    for (const path of ['roles/get', 'roles/permissions/list']) {
      expect((await alice.get(`${A3}/${path}?role_id=${own}`)).status).toBe(200);
      expect((await alice.get(`${A3}/${path}?role_id=${others}`)).status).toBe(403);
      expect((await chief.get(`${A3}/${path}?role_id=${others}`)).status).toBe(200);
    }
    for (const who of [chief, gateway.admin]) {
      expect(await listed(who)).toEqual(expect.arrayContaining([own, others]));
    }
  });

  test('cannot take the names that stand for single users', async () => {
    const answer = await gateway.admin.post(`${A3}/roles/create`, {
      name: '__user_1__',
      workspace: 'default',
    });
    expect(answer.status).toBe(400);
  });
});

describe('the list of users', () => {
  test('shows everybody, and roles only of oneself to a user who is no admin', async () => {
    const [alice, bob] = [await gateway.person('alice'), await gateway.person('bob')];
    for (const who of [alice, bob]) {
      await createExperiment(who);
    }
    const rolesSeenBy = async (who: Person, of: Person) =>
      (await who.get(`/ajax-api/2.0/mlflow/users/list`)).json.users.find(
        (user: { username: string }) => user.username === of.username,
      ).roles.length;
    expect(await rolesSeenBy(alice, alice)).toBe(1);
    expect(await rolesSeenBy(alice, bob)).toBe(0);
    expect(await rolesSeenBy(gateway.admin, bob)).toBe(1);
  });
});

describe('changing one’s own password', () => {
  test.each([
    ['/ajax-api', undefined, 400, /^Current password is required/],
    ['/ajax-api', 'wrong', 400, /does not match/],
    ['/ajax-api', 'right', 200, undefined],
    ['/ajax-api', null, 400, /^Current password is required/],
    ['/api', undefined, 400, /^Current password is required/],
    ['/api', 'wrong', 400, /does not match/],
    ['/api', 'right', 200, undefined],
  ])('by %s with the current password %s gives %i', async (prefix, current, status, message) => {
    const who = await gateway.person();
    const answer = await who.patch(`${prefix}/2.0/mlflow/users/update-password`, {
      username: who.username,
      password: 'another long password',
      ...(current !== undefined && { current_password: current === 'right' ? who.password : current }),
    });
    expect(answer.status).toBe(status);
    if (message !== undefined) {
      expect(answer.json.message).toMatch(message);
    }
    expect((await who.get(`${A2}/users/current`)).status).toBe(status === 200 ? 401 : 200);
  });
});

test.each([
  ['mlflow-python-client/2.15.1', 200],
  ['mlflow-python-client/3.12.0', 200],
  ['mlflow-python-client/3.13.0', 400],
  ['curl/8.0', 400],
])(
  'a client that says it is %s changes its own password without the current one: %i',
  async (agent, status) => {
    const who = await gateway.person();
    const answer = await who.send('PATCH', `${A2}/users/update-password`, {
      json: { username: who.username, password: 'another long password' },
      headers: { 'user-agent': agent },
    });
    expect(answer.status).toBe(status);
  },
);

describe('models and prompts', () => {
  let owner: Person;
  let model: string;
  let prompt: string;

  beforeEach(async () => {
    owner = await gateway.person('owner');
    [model, prompt] = [unique('model'), unique('prompt')];
    await owner.post(`${A2}/registered-models/create`, { name: model });
    const tags = [{ key: 'mlflow.prompt.is_prompt', value: 'true' }];
    await owner.post(`${A2}/registered-models/create`, { name: prompt, tags });
  });

  const opens = async (who: Person, name: string) =>
    (await who.get(`${A2}/registered-models/get?name=${name}`)).status === 200;
  const lists = async (who: Person, name: string) => {
    const filter = encodeURIComponent(`name = '${name}' AND tag.\`mlflow.prompt.is_prompt\` = 'true'`);
    const plain = encodeURIComponent(`name = '${name}'`);
    const found = await Promise.all(
      [filter, plain].map((each) => who.get(`${A2}/registered-models/search?filter=${each}`)),
    );
    return found.some(({ json }) => json.registered_models?.length === 1);
  };

  test('are managed by their creators, as what they are', async () => {
    const { permissions } = (await owner.get(`${A3}/users/current/permissions`)).json;
    const rows = permissions.map(
      (row: Record<string, string>) =>
        `${row['resource_type']} ${row['resource_pattern']} ${row['permission']}`,
    );
    expect(rows).toEqual([`registered_model ${model} MANAGE`, `prompt ${prompt} MANAGE`]);
    expect((await owner.delete(`${A2}/registered-models/delete`, { name: prompt })).status).toBe(200);
    expect((await owner.get(`${A3}/users/current/permissions`)).json.permissions).toHaveLength(1);
  });

  test('are opened by a grant on the name, whichever of the two it calls it', async () => {
    const reader = await gateway.person('reader');
    await granted(owner, reader, 'registered_model', prompt, 'READ');
    await granted(owner, reader, 'prompt', model, 'READ');
    expect([await opens(reader, prompt), await opens(reader, model)]).toEqual([true, true]);
    expect([await lists(reader, prompt), await lists(reader, model)]).toEqual([true, true]);
  });

  test.each([
    ['registered_model', 'READ', { model: true, prompt: false }],
    ['prompt', 'READ', { model: false, prompt: true }],
  ])('all of %s for %s does not open the other', async (type, permission, expected) => {
    const reader = await gateway.person('reader');
    await granted(gateway.admin, reader, type, '*', permission);
    expect({ model: await opens(reader, model), prompt: await opens(reader, prompt) }).toEqual(expected);
    expect({ model: await lists(reader, model), prompt: await lists(reader, prompt) }).toEqual(expected);
  });

  test('DENY on all prompts leaves the models', async () => {
    await granted(gateway.admin, owner, 'prompt', '*', 'DENY');
    expect({ model: await opens(owner, model), prompt: await opens(owner, prompt) }).toEqual({
      model: true,
      prompt: false,
    });
    expect({ model: await lists(owner, model), prompt: await lists(owner, prompt) }).toEqual({
      model: true,
      prompt: false,
    });
  });
});
