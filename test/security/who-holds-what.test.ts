/**
 * Who shares a thing sees what others hold on it, as the pages of MLflow ask before they grant; of what they hold
 * elsewhere, and through which roles, nothing is told.
 */
import { beforeAll, describe, expect, test } from 'vitest';
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

  describe('no answer about another tells whether there is such a user', () => {
    const A2 = '/api/2.0/mlflow';
    const nobody = 'nobody-at-all';
    let manager: Person;
    let beside: Person;
    let denied: Person;
    let stranger: Person;
    let boss: Person;
    beforeAll(async () => {
      manager = await closed.person('manager');
      beside = await closed.person('beside');
      denied = await closed.person('denied');
      stranger = await closed.person('unknown');
      boss = await closed.person('boss');
      const promoted = { username: boss.username, is_admin: true };
      expect((await chief.patch(`${A2}/users/update-admin`, promoted)).status).toBe(200);
      await grantOn(chief, manager, 'experiment', '31', 'MANAGE');
      await grantOn(chief, manager, 'registered_model', 'managed', 'MANAGE');
      await grantOn(chief, beside, 'experiment', '31', 'READ');
      await grantOn(chief, denied, 'experiment', '31', 'DENY');
      await grantOn(chief, stranger, 'experiment', '32', 'MANAGE');
    });

    const classic = (kind: string, verb: string) => `${A2}/${kind}/permissions/${verb}`;
    const thing = { resource_type: 'experiment', resource_id: '31' };
    const asked: readonly [method: string, path: string, sent: Readonly<Record<string, string>>][] = [
      ['GET', `${A3}/users/permissions/get`, thing],
      ['GET', `${A3}/users/permissions/list`, {}],
      ['GET', `${A3}/users/roles/list`, {}],
      ['POST', `${A3}/users/permissions/revoke`, thing],
      ['POST', `${A3}/users/permissions/revoke`, { ...thing, resource_type: 'nonsense' }],
      ['GET', classic('experiments', 'get'), { experiment_id: '31' }],
      ['PATCH', classic('experiments', 'update'), { experiment_id: '31', permission: 'EDIT' }],
      ['DELETE', classic('experiments', 'delete'), { experiment_id: '31' }],
      ['GET', classic('registered-models', 'get'), { name: 'managed' }],
      ['PATCH', classic('registered-models', 'update'), { name: 'managed', permission: 'EDIT' }],
      ['DELETE', classic('registered-models', 'delete'), { name: 'managed' }],
    ];

    test.each(asked)('%s %s %j', async (method, path, sent) => {
      /** What is answered about a user, without the name that was asked about. */
      const about = async (username: string) => {
        const values = { ...sent, username };
        const headers = { 'x-request-id': 'the-same' };
        const { status, text } = await (method === 'GET'
          ? manager.send(method, `${path}?${new URLSearchParams(values)}`, { headers })
          : manager.send(method, path, { json: values, headers }));
        return [status, text.replaceAll(username, 'NAME')];
      };
      const ofNobody = await about(nobody);
      expect(await about(stranger.username)).toEqual(ofNobody);
      expect(await about(boss.username)).toEqual(ofNobody);
    });

    test('whoever manages a thing sees and takes what others hold on it, and grants to whom they can name', async () => {
      const held = async (who: Person) =>
        (await manager.get(named('users/permissions/get', who, '&resource_type=experiment&resource_id=31')))
          .json.permission;
      expect([await held(beside), await held(denied), await held(manager)]).toEqual([
        'READ',
        'DENY',
        'MANAGE',
      ]);
      expect(await told(manager, beside)).toEqual(['experiment 31 READ']);
      const query = `experiment_id=31&username=${beside.username}`;
      expect((await manager.get(`${classic('experiments', 'get')}?${query}`)).status).toBe(200);
      await grantOn(manager, stranger, 'experiment', '31', 'READ');
      expect(await held(stranger)).toBe('READ');
      const grant = { ...thing, username: stranger.username };
      expect((await manager.post(`${A3}/users/permissions/revoke`, grant)).status).toBe(200);
      await grantOn(manager, boss, 'experiment', '31', 'READ');
      expect((await manager.get(named('users/permissions/list', boss))).json.is_admin).toBe(true);
      expect(await held(boss)).toBe('MANAGE');
    });

    test('admins are told that there is no such user', async () => {
      const path = named('users/permissions/list', { ...stranger, username: nobody });
      expect((await chief.get(path)).json.message).toBe(`User with username=${nobody} not found`);
    });
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
