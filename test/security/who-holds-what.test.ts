/**
 * Who shares a thing sees what others hold on it, as the pages of MLflow ask before they grant; of what they hold
 * elsewhere, and through which roles, nothing is told.
 */
import { describe, expect, test } from 'vitest';
import { grantOn, type Person, unique } from '../support/gateway.ts';
import { NO_UPSTREAM, openGateway, useGateway } from '../support/use-gateway.ts';
import { inWorkspace } from '../support/workspaces.ts';

const A3 = '/api/3.0/mlflow';

const { gateway, admin, owner, other, guest } = useGateway({
  upstream: NO_UPSTREAM,
  people: ['owner', 'other', 'guest'],
});

const named = (path: string, who: Person, more = '') =>
  `${A3}/${path}?username=${encodeURIComponent(who.username)}${more}`;

/** What a user is told that another holds, as `type pattern permission`, by both operations that tell it. */
async function told(who: Person, about: Person): Promise<readonly string[]> {
  const flat = (await who.get(named('users/permissions/list', about))).json.permissions;
  const { roles } = (await who.get(named('users/roles/list', about))).json;
  const inRoles = roles.flatMap(({ permissions }: { permissions: unknown[] }) => permissions);
  const words = (rows: readonly Record<string, string>[]) =>
    rows.map((row) => `${row['resource_type']} ${row['resource_pattern']} ${row['permission']}`).toSorted();
  expect(words(inRoles)).toEqual(words(flat));
  return words(flat);
}

/** A role with one grant, for one member. */
async function roleFor(member: Person, pattern: string): Promise<void> {
  const { role } = (await admin.post(`${A3}/roles/create`, { name: unique('r'), workspace: 'default' })).json;
  const granted = {
    role_id: role.id,
    resource_type: 'experiment',
    resource_pattern: pattern,
    permission: 'READ',
  };
  await admin.post(`${A3}/roles/permissions/add`, granted);
  await admin.post(`${A3}/roles/assign`, { username: member.username, role_id: role.id });
}

test('an owner is told what another holds on what the owner manages, and nothing else', async () => {
  await grantOn(admin, owner, 'experiment', '11', 'MANAGE');
  await grantOn(admin, owner, 'registered_model', 'owned', 'MANAGE');
  await grantOn(admin, owner, 'experiment', '12', 'EDIT');
  for (const [type, id] of [
    ['experiment', '11'],
    ['experiment', '12'],
    ['experiment', '13'],
    ['registered_model', 'owned'],
    ['registered_model', 'secret'],
  ] as const) {
    await grantOn(admin, guest, type, id, 'READ');
  }
  await roleFor(guest, '11');
  expect(await told(owner, guest)).toEqual(['experiment 11 READ', 'registered_model owned READ']);
  // On all of a kind is not on the owner's thing alone.
  await grantOn(admin, guest, 'experiment', '*', 'READ');
  expect(await told(owner, guest)).toEqual(['experiment 11 READ', 'registered_model owned READ']);
  expect(await told(guest, guest)).toHaveLength(7);
  expect(await told(admin, guest)).toHaveLength(7);
});

test('one thing alone is asked about by whoever manages it', async () => {
  const about = (type: string, id: string) =>
    owner.get(named('users/permissions/get', guest, `&resource_type=${type}&resource_id=${id}`));
  expect((await about('experiment', '11')).json).toMatchObject({ permission: 'READ' });
  for (const [type, id] of [
    ['experiment', '12'],
    ['experiment', '13'],
    ['experiment', '*'],
    ['registered_model', 'secret'],
    ['workspace', 'default'],
  ] as const) {
    expect((await about(type, id)).status, `${type} ${id}`).toBe(403);
  }
});

test('who manages nothing is told nothing, be there such a user or not', async () => {
  await grantOn(admin, other, 'experiment', '14', 'EDIT');
  const sent = { headers: { 'x-request-id': 'the-same' } };
  for (const path of ['users/permissions/list', 'users/roles/list']) {
    const refused = await other.get(named(path, guest), sent);
    expect(refused.status).toBe(403);
    const nobody = { ...guest, username: 'nobody-at-all' };
    expect((await other.get(named(path, nobody), sent)).text).toBe(refused.text);
  }
});

describe('list_users_to = admins', () => {
  const { gateway: closed, admin: chief } = useGateway({
    upstream: NO_UPSTREAM,
    settings: { list_users_to: 'admins' },
  });

  const namesFor = async (who: Person): Promise<readonly string[]> =>
    (await who.get('/ajax-api/2.0/mlflow/users/list')).json.users.map(
      ({ username }: { username: string }) => username,
    );

  test('lists users to admins; others find themselves and who holds something on what they may change', async () => {
    const [alice, reader, stranger, ofAll, byRole] = [
      await closed.person('alice'),
      await closed.person('reader'),
      await closed.person('stranger'),
      await closed.person('of-all'),
      await closed.person('by-role'),
    ];
    await grantOn(chief, alice, 'experiment', '21', 'EDIT');
    await grantOn(chief, alice, 'experiment', '22', 'READ');
    await grantOn(chief, reader, 'experiment', '21', 'READ');
    await grantOn(chief, stranger, 'experiment', '22', 'EDIT');
    await grantOn(chief, ofAll, 'experiment', '*', 'READ');
    const { role } = (await chief.post(`${A3}/roles/create`, { name: unique('r'), workspace: 'default' }))
      .json;
    const grant = {
      role_id: role.id,
      resource_type: 'experiment',
      resource_pattern: '21',
      permission: 'READ',
    };
    await chief.post(`${A3}/roles/permissions/add`, grant);
    await chief.post(`${A3}/roles/assign`, { username: byRole.username, role_id: role.id });

    const names = (...people: Person[]) => people.map(({ username }) => username).toSorted();
    expect((await namesFor(alice)).toSorted()).toEqual(names(alice, reader, ofAll, byRole));
    // Alice may change what the stranger does not hold; the stranger may change what she may read.
    expect((await namesFor(stranger)).toSorted()).toEqual(names(stranger, alice, ofAll));
    expect(await namesFor(reader)).toEqual(names(reader));
    expect((await namesFor(chief)).length).toBe(6);
  });

  test('who holds something on the same name in another workspace is nobody that one needs to know', async () => {
    const {
      admin: head,
      upstream,
      ...people
    } = await openGateway({
      fake: true,
      info: { workspaces_enabled: true },
      settings: { list_users_to: 'admins' },
      people: ['alice', 'beside', 'elsewhere', 'outside'],
    });
    upstream.answer((_request, response) => {
      response.setHeader('content-type', 'application/json').end('{}');
    });
    const { alice, beside, elsewhere, outside } = people;
    await grantOn(inWorkspace(head, 'team'), alice, 'registered_model', 'churn', 'EDIT');
    await grantOn(inWorkspace(head, 'team'), beside, 'registered_model', 'churn', 'READ');
    await grantOn(inWorkspace(head, 'other'), elsewhere, 'registered_model', 'churn', 'READ');
    await grantOn(head, outside, 'registered_model', 'churn', 'READ');
    const listed = async (path: string): Promise<readonly string[]> =>
      (await inWorkspace(alice, 'team').get(`/api/2.0/mlflow/${path}`)).json.users.map(
        ({ username }: { username: string }) => username,
      );
    for (const path of ['users/list', 'users/search']) {
      expect((await listed(path)).toSorted()).toEqual([alice.username, beside.username].toSorted());
    }
  });

  test('without it everybody is listed to everybody', async () => {
    expect(await namesFor(await gateway.person('newcomer'))).toEqual(
      expect.arrayContaining([owner.username, other.username, guest.username]),
    );
  });
});
