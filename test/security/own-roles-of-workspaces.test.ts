/**
 * What a user was granted in a workspace is held there by a role of the store. It is changed by granting to that user alone, as in
 * the workspace `default`: by no call that changes roles, whoever sends it.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { grantOn, type Person, unique } from '../support/gateway.ts';
import { NEWEST } from '../support/mlflow.ts';
import { createModel, inWorkspace, roleId, useWorkspaces } from '../support/workspaces.ts';

const API2 = '/api/2.0/mlflow';
const API3 = '/api/3.0/mlflow';

const used = useWorkspaces(NEWEST);
const { gateway, admin, alice, ann, carol, names } = used;
const inA = (person: Person) => inWorkspace(person, names.a);

const idOf = async ({ username }: Person): Promise<number> =>
  (await admin.get(`${API2}/users/get?username=${username}`)).json.user.id;
const ownRoleOf = async (person: Person) => roleId(admin, names.a, `__user_${await idOf(person)}__`);
const missing = (what: string) => [
  404,
  { error_code: 'RESOURCE_DOES_NOT_EXIST', message: `${what} not found` },
];

let model: string;
let own: number;
let permission: number;
beforeAll(async () => {
  model = await createModel(inA(alice));
  await grantOn(inA(alice), carol, 'registered_model', model, 'READ');
  own = await ownRoleOf(carol);
  const { json } = await admin.get(`${API3}/roles/permissions/list?role_id=${own}`);
  permission = json.role_permissions[0].id;
});

const reads = async (who: Person, name = model) =>
  (await inA(who).get(`${API2}/registered-models/get?name=${name}`)).status;
const stored = async () => (await admin.get(`${API3}/roles/get?role_id=${own}`)).json;
const members = async () => (await admin.get(`${API3}/roles/users/list?role_id=${own}`)).json;

const ADDED = { resource_type: 'workspace', resource_pattern: '*', permission: 'MANAGE' };

describe.each([
  ['an admin', admin],
  ['an administrator of the workspace', ann],
])('%s changes no role of own grants', (_who, by) => {
  const calls: readonly [
    name: string,
    method: string,
    path: string,
    body: () => Readonly<Record<string, unknown>>,
    answer: () => Promise<unknown>,
  ][] = [
    [
      'renames',
      'PATCH',
      'roles/update',
      () => ({ role_id: own, name: unique('taken') }),
      async () => missing(`Role with id=${own}`),
    ],
    [
      'describes',
      'PATCH',
      'roles/update',
      () => ({ role_id: own, description: 'd' }),
      async () => missing(`Role with id=${own}`),
    ],
    [
      'deletes',
      'DELETE',
      'roles/delete',
      () => ({ role_id: own }),
      async () => missing(`Role with id=${own}`),
    ],
    [
      'adds to',
      'POST',
      'roles/permissions/add',
      () => ({ role_id: own, ...ADDED }),
      async () => missing(`Role with id=${own}`),
    ],
    [
      'changes a grant of',
      'PATCH',
      'roles/permissions/update',
      () => ({ role_permission_id: permission, permission: 'MANAGE' }),
      async () => missing(`Role permission with id=${permission}`),
    ],
    [
      'takes a grant from',
      'DELETE',
      'roles/permissions/remove',
      () => ({ role_permission_id: permission }),
      async () => missing(`Role permission with id=${permission}`),
    ],
    [
      'takes the member from',
      'DELETE',
      'roles/unassign',
      () => ({ username: carol.username, role_id: own }),
      async () => missing(`User role assignment (user_id=${await idOf(carol)}, role_id=${own})`),
    ],
  ];

  test.each(calls)('nobody %s it', async (_name, method, path, body, answer) => {
    const before = [await stored(), await members()];
    const { status, json } = await by.send(method, `${API3}/${path}`, { json: body() });
    expect([status, json]).toEqual(await answer());
    expect([await stored(), await members()]).toEqual(before);
    expect(await reads(carol)).toBe(200);
  });

  test('nobody else becomes a member', async () => {
    const body = { username: used.bob.username, role_id: own };
    expect((await by.post(`${API3}/roles/assign`, body)).status).toBe(400);
    expect((await members()).assignments).toHaveLength(1);
  });
});

test('what is taken back stays so, whatever else the user is granted', async () => {
  const [user, second] = [await gateway.person('granted'), await createModel(inA(alice))];
  await grantOn(inA(alice), user, 'registered_model', model, 'READ');
  const role_id = await ownRoleOf(user);
  for (const by of [admin, ann]) {
    await by.patch(`${API3}/roles/update`, { role_id, name: unique('team') });
    await by.delete(`${API3}/roles/unassign`, { role_id, username: user.username });
  }
  const taken = { username: user.username, resource_type: 'registered_model', resource_id: model };
  expect((await inA(alice).post(`${API3}/users/permissions/revoke`, taken)).status).toBe(200);
  await grantOn(inA(alice), user, 'registered_model', second, 'READ');
  expect([await reads(user), await reads(user, second)]).toEqual([403, 200]);
});

test('an invitation gives nobody the own grants of another', async () => {
  const username = unique('invited');
  const asked = await admin.post(`${API2}/users/invitations/create`, { username, role_ids: [own] });
  expect(asked.status).toBe(400);
  expect((await admin.get(`${API2}/users/get?username=${username}`)).status).toBe(404);
});

test('nothing is shared with one, by its own user either', async () => {
  const user = await gateway.person('manager');
  await grantOn(inA(alice), user, 'registered_model', model, 'MANAGE');
  const role_id = await ownRoleOf(user);
  const thing = { role_id, resource_type: 'registered_model', resource_id: model };
  for (const by of [inA(user), inA(alice), inA(ann)]) {
    const sharing = await by.post(`${API2}/permissions/grant-role`, { ...thing, permission: 'EDIT' });
    expect(sharing.status).toBe(403);
    expect((await by.post(`${API2}/permissions/revoke-role`, thing)).status).toBe(403);
  }
  const { role } = (await admin.get(`${API3}/roles/get?role_id=${role_id}`)).json;
  expect(role.permissions).toMatchObject([{ permission: 'MANAGE' }]);
});

test('no change to one is previewed, as each would be refused', async () => {
  const user = await gateway.person('previewed');
  await grantOn(inA(alice), user, 'registered_model', model, 'READ');
  await grantOn(admin, user, 'registered_model', model, 'READ');
  for (const role_id of [await ownRoleOf(user), -(await idOf(user))]) {
    expect((await admin.get(`${API3}/roles/get?role_id=${role_id}`)).status).toBe(200);
    const preview = `${API2}/permissions/preview?change=delete_role&role_id=${role_id}`;
    const { status } = await inA(admin).get(preview);
    expect([role_id, status]).toEqual([role_id, 404]);
  }
});

test('it goes with its user', async () => {
  const user = await gateway.person('leaving');
  await grantOn(inA(alice), user, 'registered_model', model, 'READ');
  const role = await ownRoleOf(user);
  expect((await admin.delete(`${API2}/users/delete`, { username: user.username })).status).toBe(200);
  expect((await admin.get(`${API3}/roles/get?role_id=${role}`)).status).toBe(404);
});
