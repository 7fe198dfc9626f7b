/** What `explain` and `holders` say is what requests get; nobody learns by them of what is hidden. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Permission } from '../../src/policy/permissions.ts';
import { type AnsweringUpstream, PROBE, startAnsweringUpstream } from '../support/answering-upstream.ts';
import { FOREIGN, OURS } from '../support/everybody.ts';
import { grantOn, type Person, startGateway, type TestGateway } from '../support/gateway.ts';

const A2 = '/api/2.0/mlflow';
const A3 = '/api/3.0/mlflow';

let upstream: AnsweringUpstream;
beforeAll(async () => {
  upstream = await startAnsweringUpstream(OURS, FOREIGN);
});
afterAll(() => upstream.close());

const query = (fields: Readonly<Record<string, string>>) => new URLSearchParams(fields).toString();
const explain = (by: Person, username: string, resource_type: string, resource_id: string, id = 'x') =>
  by.get(`${A2}/permissions/explain?${query({ username, resource_type, resource_id })}`, {
    headers: { 'x-request-id': id },
  });
const holders = (by: Person, resource_type: string, resource_id: string, more = {}) =>
  by.get(`${A2}/permissions/holders?${query({ resource_type, resource_id, ...more })}`, {
    headers: { 'x-request-id': 'x' },
  });

/** A request for each action that some request asks for. */
const PROBES = {
  experiment: {
    read: ['GET', `${A2}/experiments/get?experiment_id=${OURS.experiment}`],
    update: [
      'POST',
      `${A2}/experiments/set-experiment-tag`,
      { experiment_id: OURS.experiment, key: 'k', value: 'v' },
    ],
    manage: ['GET', `${A2}/experiments/permissions/get?experiment_id=${OURS.experiment}&username=nobody`],
  },
  registered_model: {
    read: ['GET', `${A2}/registered-models/get?name=${OURS.registered_model}`],
    update: [
      'POST',
      `${A2}/registered-models/set-tag`,
      { name: OURS.registered_model, key: 'k', value: 'v' },
    ],
    manage: ['GET', `${A2}/registered-models/permissions/get?name=${OURS.registered_model}&username=nobody`],
  },
  logged_model: {
    read: ['GET', `${A2}/logged-models/${OURS.logged_model}`],
    update: ['PATCH', `${A2}/logged-models/${OURS.logged_model}/tags`, { tags: [{ key: 'k', value: 'v' }] }],
    delete: ['DELETE', `${A2}/logged-models/${OURS.logged_model}`],
  },
  run: {
    read: ['GET', `${A2}/runs/get?run_id=${OURS.run}`],
    update: ['POST', `${A2}/runs/set-tag`, { run_id: OURS.run, key: 'k', value: 'v' }],
  },
  gateway_endpoint: {
    read: ['GET', `${A3}/gateway/endpoints/get?endpoint_id=${OURS.gateway_endpoint}`],
    use: ['POST', `/gateway/${OURS.gateway_endpoint}/mlflow/invocations`, {}],
    manage: [
      'GET',
      `${A3}/gateway/endpoints/permissions/get?endpoint_id=${OURS.gateway_endpoint}&username=nobody`,
    ],
  },
} as const satisfies Record<
  string,
  Readonly<Record<string, readonly [method: string, target: string, body?: object]>>
>;
type Kind = keyof typeof PROBES;
const KINDS = Object.keys(PROBES) as Kind[];

/** What grants are made on: things, all of a kind, things inside, and what bears on none of it. */
const PATTERNS: readonly (readonly [type: string, pattern: string])[] = [
  ['experiment', OURS.experiment],
  ['experiment', OURS.experiment],
  ['experiment', '*'],
  ['experiment', FOREIGN.experiment],
  ['run', '*'],
  ['logged_model', '*'],
  ['registered_model', OURS.registered_model],
  ['registered_model', '*'],
  ['prompt', OURS.registered_model],
  ['prompt', '*'],
  ['gateway_endpoint', OURS.gateway_endpoint],
  ['gateway_endpoint', '*'],
];
const PERMISSIONS: readonly Permission[] = ['READ', 'USE', 'EDIT', 'MANAGE', 'DENY', 'NO_PERMISSIONS'];

/** Numbers that are the same each time (a linear congruential generator). */
function numbers(seed: number) {
  let state = seed;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  return { next, oneOf: <T>(list: readonly [T, ...T[]] | readonly T[]): T => list[next(list.length)] as T };
}

type Chance = ReturnType<typeof numbers>;

/** Takes everything from a user and gives them something else, by themselves and by two roles; answers what. */
async function regrant({ server }: TestGateway, userId: number, { next, oneOf }: Chance): Promise<string> {
  const given: string[] = [];
  await server.store.atOnce(async ({ grants, roles }) => {
    for (const { resourceType, resourcePattern } of await grants.forUser(userId)) {
      await grants.delete(userId, resourceType, resourcePattern);
    }
    for (const { id } of await roles.list()) {
      await roles.remove(id);
    }
    for (let count = next(4); count > 0; count -= 1) {
      const [type, pattern] = oneOf(PATTERNS);
      const permission = oneOf(PERMISSIONS);
      given.push(
        (await grants.create(userId, type, pattern, permission)) ? `${type} ${pattern} ${permission}` : '',
      );
    }
    for (const name of ['one', 'two'].slice(next(3))) {
      const role = await roles.create({ name, workspace: next(8) === 0 ? 'elsewhere' : 'default' });
      await roles.assign(userId, role.id);
      for (let count = next(3); count > 0; count -= 1) {
        const [type, pattern] = next(12) === 0 ? (['workspace', '*'] as const) : oneOf(PATTERNS);
        const permission = type === 'workspace' ? oneOf(['MANAGE', 'USE'] as const) : oneOf(PERMISSIONS);
        await roles.addPermission(role.id, type, pattern, permission);
        given.push(`${role.workspace} ${name}: ${type} ${pattern} ${permission}`);
      }
    }
  });
  return given.join(', ');
}

const COMBINATIONS = 1_000;

describe.each(['NO_PERMISSIONS', 'READ', 'EDIT'])('with default_permission %s', (default_permission) => {
  let gateway: TestGateway;
  let alice: Person;
  beforeAll(async () => {
    gateway = await startGateway(upstream.uri, { default_permission, database_uri: 'sqlite://' });
    alice = await gateway.person('alice');
  });
  afterAll(() => gateway.close());

  /** Whether a request passes; a delete fails upstream, so that no grant follows it. */
  async function passes(
    probe: string,
    [method, target, body]: readonly [string, string, object?],
  ): Promise<boolean> {
    upstream.answer(probe, { error_code: 'INVALID_PARAMETER_VALUE', message: 'No.' }, 400);
    const { status } = await alice.send(method, target, {
      ...(body !== undefined && { json: body }),
      headers: { [PROBE]: probe },
    });
    return status !== 403;
  }

  test(`${COMBINATIONS} combinations of grants, roles and refusals are explained as requests are answered`, async () => {
    const chance = numbers(COMBINATIONS + default_permission.length);
    const { id = 0 } = (await gateway.server.store.users.get(alice.username)) ?? {};
    const seen = new Map<string, number>();
    for (let turn = 0; turn < COMBINATIONS; turn += 1) {
      const given = await regrant(gateway, id, chance);
      const kind = chance.oneOf(KINDS);
      const { json } = await explain(
        turn % 2 === 0 ? gateway.admin : alice,
        alice.username,
        kind,
        OURS[kind],
      );
      seen.set(json.permission, (seen.get(json.permission) ?? 0) + 1);
      for (const [action, probe] of Object.entries(PROBES[kind])) {
        const told: boolean = json.actions.includes(action);
        expect([given, kind, action, told]).toEqual([given, kind, action, await passes(`${turn}`, probe)]);
      }
      if (kind !== 'run' && kind !== 'logged_model') {
        const all = (await holders(gateway.admin, kind, OURS[kind])).json.holders;
        const held = all.find(({ username }: { username: string }) => username === alice.username);
        expect([given, held?.permission ?? 'NO_PERMISSIONS']).toEqual([given, json.permission]);
      }
    }
    // It has seen something of everything.
    expect([...seen.keys()].toSorted()).toEqual(['EDIT', 'MANAGE', 'NO_PERMISSIONS', 'READ', 'USE']);
  }, 300_000);
});

describe('who is told what', () => {
  let gateway: TestGateway;
  let owner: Person;
  let guest: Person;
  let stranger: Person;
  beforeAll(async () => {
    gateway = await startGateway(upstream.uri, { default_permission: 'NO_PERMISSIONS' });
    [owner, guest, stranger] = [
      await gateway.person('a-owner'),
      await gateway.person('b-guest'),
      await gateway.person('c-stranger'),
    ];
    await grantOn(gateway.admin, owner, 'experiment', OURS.experiment, 'MANAGE');
    const role = await gateway.admin.post(`${A3}/roles/create`, {
      name: 'secret-project',
      workspace: 'default',
    });
    const role_id = role.json.role.id;
    const granted = { role_id, resource_type: 'experiment', resource_pattern: '*', permission: 'READ' };
    await gateway.admin.post(`${A3}/roles/permissions/add`, granted);
    await gateway.admin.post(`${A3}/roles/assign`, { role_id, username: guest.username });
  });
  afterAll(() => gateway.close());

  test('an admin is told which grants decided, of which role', async () => {
    const { json } = await explain(gateway.admin, guest.username, 'run', OURS.run);
    expect(json).toEqual({
      permission: 'READ',
      actions: ['read'],
      because: 'role secret-project (all of the kind) holds READ',
      sources: [
        {
          source: 'role',
          name: 'secret-project',
          resource_type: 'experiment',
          resource_pattern: '*',
          permission: 'READ',
        },
      ],
    });
    expect((await explain(gateway.admin, 'admin', 'experiment', '7')).json).toMatchObject({
      permission: 'MANAGE',
      sources: [{ source: 'admin' }],
    });
    expect((await explain(gateway.admin, stranger.username, 'experiment', '7')).json).toMatchObject({
      permission: 'NO_PERMISSIONS',
      actions: [],
      sources: [{ source: 'default', name: 'default_permission', permission: 'NO_PERMISSIONS' }],
    });
  });

  test('everybody is told about themselves, a user who is disabled may do nothing', async () => {
    expect((await explain(guest, guest.username, 'experiment', '7')).json.permission).toBe('READ');
    const away = await gateway.person('away');
    await grantOn(gateway.admin, away, 'experiment', OURS.experiment, 'EDIT');
    await gateway.admin.patch(`${A2}/users/update-status`, { username: away.username, is_active: false });
    expect((await explain(gateway.admin, away.username, 'experiment', '7')).json).toMatchObject({
      permission: 'NO_PERMISSIONS',
      because: 'the user is disabled',
    });
    const all = (await holders(gateway.admin, 'experiment', OURS.experiment)).json.holders;
    expect(all.map(({ username }: { username: string }) => username)).not.toContain(away.username);
  });

  test('who holds MANAGE is told of everybody, but not the names of roles that they do not have', async () => {
    const { json, text } = await holders(owner, 'experiment', OURS.experiment);
    const told = (username: string, permission: string, because: string, source: string, own: unknown) => ({
      ...{ username, permission, because },
      sources: [expect.objectContaining({ source, name: null, permission })],
      own_grant: own,
    });
    expect(json.holders).toEqual([
      told(owner.username, 'MANAGE', 'user holds MANAGE', 'user', {
        resource_type: 'experiment',
        permission: 'MANAGE',
      }),
      told('admin', 'MANAGE', 'admin', 'admin', null),
      told(guest.username, 'READ', 'a role (all of the kind) holds READ', 'role', null),
    ]);
    const explained = await explain(owner, guest.username, 'experiment', OURS.experiment);
    expect(explained.json.sources).toMatchObject([{ source: 'role', name: null }]);
    expect(text + explained.text).not.toContain('secret-project');
  });

  test('nobody else is', async () => {
    for (const person of [guest, stranger]) {
      expect((await holders(person, 'experiment', OURS.experiment)).status).toBe(403);
      expect((await explain(person, owner.username, 'experiment', OURS.experiment)).status).toBe(403);
    }
    expect((await holders(gateway.anonymous, 'experiment', OURS.experiment)).status).toBe(401);
  });

  test.each([
    ['experiment', OURS.experiment, '99'],
    ['run', OURS.run, '9'.repeat(32)],
    ['registered_model', OURS.registered_model, 'nothing'],
  ])('a hidden %s and none look alike', async (type, hidden, none) => {
    const alike = (text: string) => text.replaceAll(hidden, 'ID').replaceAll(none, 'ID');
    upstream.answer('none', {}, 404);
    for (const ask of [
      (id: string) => explain(stranger, stranger.username, type, id),
      (id: string) => explain(stranger, owner.username, type, id),
      (id: string) => holders(stranger, type, id),
    ]) {
      const [there, away] = [await ask(hidden), await ask(none)];
      expect([there.status, alike(there.text)]).toEqual([away.status, alike(away.text)]);
    }
  });

  test('where not everybody is listed, who manages a thing is told of those who were granted something on it', async () => {
    const secretive = await startGateway(upstream.uri, {
      default_permission: 'READ',
      list_users_to: 'admins',
    });
    const [chief, helper, other] = [
      await secretive.person('chief'),
      await secretive.person('helper'),
      await secretive.person('other'),
    ];
    await grantOn(secretive.admin, chief, 'experiment', OURS.experiment, 'MANAGE');
    await grantOn(secretive.admin, helper, 'experiment', OURS.experiment, 'EDIT');
    const { json } = await holders(chief, 'experiment', OURS.experiment);
    expect(json.holders.map(({ username }: { username: string }) => username)).toEqual([
      chief.username,
      helper.username,
    ]);
    expect((await holders(secretive.admin, 'experiment', OURS.experiment)).json.holders).toHaveLength(4);
    const ask = async (name: string) => {
      const { status, text } = await explain(chief, name, 'experiment', OURS.experiment);
      return [status, text.replaceAll(name, 'NAME')];
    };
    expect(await ask(other.username)).toEqual(await ask('nobody'));
    expect((await ask(helper.username))[0]).toBe(200);
    await secretive.close();
  });

  test('holders come page by page', async () => {
    const first = await holders(gateway.admin, 'experiment', OURS.experiment, { max_results: '2' });
    const second = await holders(gateway.admin, 'experiment', OURS.experiment, {
      max_results: '2',
      page_token: first.json.next_page_token,
    });
    const names = [...first.json.holders, ...second.json.holders].map(({ username }) => username);
    expect(names).toEqual([owner.username, 'admin', guest.username]);
    expect(second.json.next_page_token).toBeUndefined();
  });

  test.each([
    [{ resource_type: 'user', resource_id: 'admin' }, 'Invalid resource type'],
    [{ resource_type: 'experiment', resource_id: '07' }, 'not a valid experiment id'],
    [{ resource_type: 'run', resource_id: '*' }, 'not a valid run id'],
    [{ resource_type: 'experiment' }, 'resource_id'],
    [{ resource_type: 'experiment', resource_id: '7', nonsense: '1' }, 'no parameter'],
  ])('%j is a 400', async (fields, message) => {
    for (const [path, more] of [
      ['holders', {}],
      ['explain', { username: 'admin' }],
    ] as const) {
      const sent = query({ ...fields, ...more } as Record<string, string>);
      const { status, json } = await gateway.admin.get(`${A2}/permissions/${path}?${sent}`);
      expect([status, json.message]).toEqual([400, expect.stringContaining(message)]);
    }
  });
});
