/**
 * Requests for access: asking tells nothing of what is hidden and gives no right, only whoever manages a thing sees and answers
 * what is asked of it, and no credential asks or answers beyond itself.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { grantOn, type Person, unique } from '../support/gateway.ts';
import { having } from '../support/having.ts';
import { useGateway } from '../support/use-gateway.ts';

const A2 = '/api/2.0/mlflow';
const EXPERIMENTS = { '7': 'churn', '8': 'fraud', '9': 'prices' };
const { gateway, admin, upstream, alice, bob, carol, another } = useGateway({
  fake: having({ experiments: EXPERIMENTS, models: ['scores'] }),
  people: ['alice', 'bob', 'carol'],
});

const NO_SUCH = '4711';

const create = (by: Person, id: string, more: Readonly<Record<string, unknown>> = {}) =>
  by.post(`${A2}/access-requests/create`, {
    resource_type: 'experiment',
    resource_id: id,
    permission: 'READ',
    ...more,
  });
const listed = async (by: Person, query = '') =>
  (await by.get(`${A2}/access-requests/list${query}`)).json.access_requests as readonly {
    readonly access_request_id: number;
    readonly username: string;
    readonly resource_id: string;
    readonly resource_name: string;
    readonly message: string;
  }[];
const own = async (by: Person) =>
  (await by.get(`${A2}/access-requests/list-own`)).json.access_requests as readonly {
    readonly access_request_id: number;
    readonly resource_id: string;
    readonly state: string;
    readonly granted: string | null;
    readonly answer: string | null;
  }[];
const answer = (by: Person, access_request_id: number, more: Readonly<Record<string, unknown>>) =>
  by.post(`${A2}/access-requests/answer`, { access_request_id, ...more });
const withdraw = (by: Person, access_request_id: number) =>
  by.delete(`${A2}/access-requests/withdraw`, { access_request_id });
const mayRead = async (by: Person, id: string) =>
  (await by.get(`${A2}/experiments/get?experiment_id=${id}`)).status === 200;

/** The request that a person has just made. */
async function asked(by: Person, id: string, more = {}): Promise<number> {
  const { status, text, json } = await create(by, id, more);
  expect(status, text).toBe(200);
  return json.access_request.access_request_id;
}

beforeEach(async () => {
  for (const person of [alice, bob, carol]) {
    for (const { access_request_id: id, state } of await own(person)) {
      if (state === 'open') {
        await withdraw(person, id);
      }
    }
    for (const id of [...Object.keys(EXPERIMENTS), '*']) {
      const grant = { username: person.username, resource_type: 'experiment', resource_id: id };
      await admin.post('/api/3.0/mlflow/users/permissions/revoke', grant);
    }
  }
});

describe('asking tells nothing', () => {
  test('a hidden thing and none get the same answer, without a question to MLflow', async () => {
    const asks: string[] = [];
    const answers = having({ experiments: EXPERIMENTS });
    upstream.answer((request, response) => {
      asks.push(request.url ?? '');
      return answers(request, response);
    });
    const shapes = [];
    for (const id of ['7', NO_SUCH]) {
      const { status, json } = await create(bob, id, { message: 'please' });
      const { access_request_id, created_at, ...rest } = json.access_request;
      expect([typeof access_request_id, typeof created_at]).toEqual(['number', 'number']);
      shapes.push({ status, ...rest, resource_id: 'ID' });
    }
    expect(shapes[0]).toEqual(shapes[1]);
    expect(shapes[0]).toMatchObject({ status: 200, state: 'open', granted: null });
    const again = [await create(bob, '7'), await create(bob, NO_SUCH)];
    expect(again.map(({ status, text }) => [status, text])).toEqual([
      [400, again[0]?.text],
      [400, again[0]?.text],
    ]);
    expect(asks).toEqual([]);
  });

  test('a request on nothing is seen by nobody, and goes on to look open', async () => {
    await asked(bob, NO_SUCH);
    expect(await listed(admin)).toEqual([]);
    expect(await listed(admin, `?resource_type=experiment&resource_id=${NO_SUCH}`)).toEqual([]);
    await gateway.server.store.grants.forget({ kind: 'experiment', id: NO_SUCH });
    expect(await own(bob)).toMatchObject([{ resource_id: NO_SUCH, state: 'open' }]);
  });

  test('an admin cannot grant on nothing by it', async () => {
    const id = await asked(bob, NO_SUCH);
    expect((await answer(admin, id, { decision: 'grant' })).status).toBe(404);
  });

  test('what was renamed is still called by the name that was asked for', async () => {
    const sent = { resource_type: 'registered_model', resource_id: 'scores', permission: 'READ' };
    const { json } = await bob.post(`${A2}/access-requests/create`, sent);
    await gateway.server.store.grants.rename({ kind: 'registered_model', from: 'scores', to: 'secret name' });
    upstream.answer(having({ models: ['secret name'] }));
    expect(await own(bob)).toMatchObject([{ resource_id: 'scores', state: 'open' }]);
    expect(await listed(admin)).toMatchObject([{ resource_id: 'secret name' }]);
    await withdraw(bob, json.access_request.access_request_id);
  });

  test('what an earlier thing of the name was asked for, the next one is not', async () => {
    const id = await asked(bob, '9');
    expect(await listed(admin)).toHaveLength(1);
    const user = await gateway.server.store.users.get(carol.username);
    await gateway.server.store.grants.adopt({ kind: 'experiment', id: '9', userId: user?.id ?? 0 });
    expect(await listed(carol)).toEqual([]);
    expect(await listed(admin)).toEqual([]);
    expect((await answer(carol, id, { decision: 'grant' })).status).toBe(404);
    expect(await own(bob)).toMatchObject([{ resource_id: '9', state: 'open' }]);
  });
});

describe('a request is no right', () => {
  test('until it is granted it opens nothing, and then no more than was granted', async () => {
    await grantOn(admin, alice, 'experiment', '7', 'MANAGE');
    const id = await asked(bob, '7', { permission: 'EDIT', message: 'For the\nreport <b>now</b>' });
    expect(await mayRead(bob, '7')).toBe(false);
    expect(await listed(alice)).toEqual([
      {
        access_request_id: id,
        username: bob.username,
        resource_type: 'experiment',
        resource_id: '7',
        resource_name: 'churn',
        permission: 'EDIT',
        message: 'For the\nreport <b>now</b>',
        created_at: expect.any(Number),
      },
    ]);
    const granted = await answer(alice, id, {
      decision: 'grant',
      permission: 'READ',
      message: 'Read is enough.',
    });
    expect(granted.status, granted.text).toBe(200);
    expect(await mayRead(bob, '7')).toBe(true);
    const tag = { experiment_id: '7', key: 'k', value: 'v' };
    expect((await bob.post(`${A2}/experiments/set-experiment-tag`, tag)).status).toBe(403);
    expect(await own(bob)).toMatchObject([
      { access_request_id: id, state: 'granted', granted: 'READ', answer: 'Read is enough.' },
    ]);
    expect(await listed(alice)).toEqual([]);
  });

  test('a decline gives nothing, and it may be asked again', async () => {
    await grantOn(admin, alice, 'experiment', '7', 'MANAGE');
    const id = await asked(bob, '7');
    expect((await answer(alice, id, { decision: 'decline' })).status).toBe(200);
    expect(await mayRead(bob, '7')).toBe(false);
    expect((await own(bob))[0]).toMatchObject({ state: 'declined', granted: null });
    await asked(bob, '7');
  });

  test('a grant that says more meanwhile stays', async () => {
    const id = await asked(bob, '7');
    await grantOn(admin, bob, 'experiment', '7', 'MANAGE');
    expect((await answer(admin, id, { decision: 'grant', permission: 'READ' })).status).toBe(200);
    expect(await listed(bob)).toEqual([]);
    const query = `username=${bob.username}&resource_type=experiment&resource_id=7`;
    expect((await bob.get(`${A2}/permissions/explain?${query}`)).json.permission).toBe('MANAGE');
  });

  test.each(['DENY', 'NO_PERMISSIONS', 'ADMIN', 7])('%s is not granted', async (permission) => {
    const id = await asked(bob, '7');
    expect((await answer(admin, id, { decision: 'grant', permission })).status).toBe(400);
    expect(await mayRead(bob, '7')).toBe(false);
  });
});

describe('whoever manages a thing answers, and nobody else', () => {
  test.each(['READ', 'EDIT'])('a user who holds %s on it sees and answers nothing', async (permission) => {
    await grantOn(admin, carol, 'experiment', '7', permission);
    const id = await asked(bob, '7');
    expect(await listed(carol)).toEqual([]);
    const refused = await answer(carol, id, { decision: 'grant' });
    const none = await answer(carol, 123_456, { decision: 'grant' });
    expect([refused.status, refused.text.replace(String(id), 'ID')]).toEqual([
      404,
      none.text.replace('123456', 'ID'),
    ]);
    expect((await withdraw(carol, id)).status).toBe(404);
    expect((await answer(bob, id, { decision: 'grant' })).status).toBe(404);
    expect(await mayRead(bob, '7')).toBe(false);
  });

  test('a user who manages all of the kind, and an admin, see those on what is there', async () => {
    await grantOn(admin, carol, 'experiment', '*', 'MANAGE');
    await asked(bob, '8');
    await asked(bob, NO_SUCH);
    expect((await listed(carol)).map(({ resource_id }) => resource_id)).toEqual(['8']);
    expect((await listed(admin)).map(({ resource_id }) => resource_id)).toEqual(['8']);
  });

  test('who is denied a thing answers nothing on it, whatever else they manage', async () => {
    await grantOn(admin, carol, 'experiment', '*', 'MANAGE');
    await grantOn(admin, carol, 'experiment', '8', 'DENY');
    const id = await asked(bob, '8');
    expect(await listed(carol)).toEqual([]);
    expect((await answer(carol, id, { decision: 'grant' })).status).toBe(404);
  });

  test('of two who answer at once one is told that it was answered, and what was answered first counts', async () => {
    await grantOn(admin, alice, 'experiment', '7', 'MANAGE');
    for (let round = 0; round < 5; round += 1) {
      const id = await asked(bob, '7');
      const answers = await Promise.all([
        answer(alice, id, { decision: 'grant' }),
        answer(admin, id, { decision: 'decline' }),
      ]);
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 400]);
      const isGranted = answers[0]?.status === 200;
      expect(await mayRead(bob, '7')).toBe(isGranted);
      expect((await own(bob))[0]?.state).toBe(isGranted ? 'granted' : 'declined');
      const late = await answer(alice, id, { decision: 'grant' });
      expect([late.status, late.json.error_code]).toEqual([400, 'RESOURCE_ALREADY_EXISTS']);
      expect(late.json.message).toContain(
        isGranted ? `${alice.username} has answered` : 'admin has answered',
      );
      const grant = { username: bob.username, resource_type: 'experiment', resource_id: '7' };
      await admin.post('/api/3.0/mlflow/users/permissions/revoke', grant);
    }
  });

  test('requests of users who are disabled or deleted are not shown', async () => {
    const gone = await gateway.person('gone');
    await asked(gone, '7');
    await admin.send('PATCH', `${A2}/users/update-status`, {
      json: { username: gone.username, is_active: false },
    });
    expect(await listed(admin)).toEqual([]);
    await admin.send('PATCH', `${A2}/users/update-status`, {
      json: { username: gone.username, is_active: true },
    });
    expect(await listed(admin)).toHaveLength(1);
    await admin.delete(`${A2}/users/delete`, { username: gone.username });
    expect(await listed(admin)).toEqual([]);
  });
});

describe('a token asks and answers no more than it may do', () => {
  const tokenOf = async (person: Person, scope: object) => {
    const { json } = await person.post(`${A2}/users/tokens/create`, { name: unique('token'), scope });
    return gateway.as(person.username, json.secret);
  };

  test('one that only reads asks for nothing, and sees and answers nothing', async () => {
    await grantOn(admin, alice, 'experiment', '7', 'MANAGE');
    const id = await asked(bob, '7');
    const [reader, managers] = [
      await tokenOf(bob, { access: 'read' }),
      await tokenOf(alice, { access: 'read' }),
    ];
    expect((await create(reader, '8')).status).toBe(403);
    expect((await withdraw(reader, id)).status).toBe(403);
    expect(await listed(managers)).toEqual([]);
    expect((await answer(managers, id, { decision: 'grant' })).status).toBe(403);
    expect(await mayRead(bob, '7')).toBe(false);
  });

  test('one that is confined answers what lies in its scope alone, and asks for nothing', async () => {
    await grantOn(admin, alice, 'experiment', '7', 'MANAGE');
    await grantOn(admin, alice, 'experiment', '8', 'MANAGE');
    const [seven, eight] = [await asked(bob, '7'), await asked(bob, '8')];
    const token = await tokenOf(alice, { resources: [{ resource_type: 'experiment', resource_id: '7' }] });
    expect((await listed(token)).map(({ access_request_id: id }) => id)).toEqual([seven]);
    expect((await answer(token, eight, { decision: 'grant' })).status).toBe(404);
    expect((await answer(token, seven, { decision: 'grant' })).status).toBe(200);
    expect([await mayRead(bob, '7'), await mayRead(bob, '8')]).toEqual([true, false]);
    expect((await create(token, '9')).status).toBe(403);
    expect((await token.get(`${A2}/access-requests/list-own`)).status).toBe(403);
  });

  test('one of an admin, confined, is no admin', async () => {
    const id = await asked(bob, '7');
    const token = await tokenOf(gateway.admin, {
      resources: [{ resource_type: 'experiment', resource_id: '*' }],
    });
    expect(await listed(token)).toEqual([]);
    expect((await answer(token, id, { decision: 'grant' })).status).toBe(404);
  });
});

describe('what is asked is bounded', () => {
  test.each([
    ['a kind that is not asked for', { resource_type: 'prompt' }],
    ['everything', { resource_id: '*' }],
    ['what no id is', { resource_id: '../7' }],
    ['a level that is not asked for', { permission: 'MANAGE' }],
    ['a message that is too long', { message: 'x'.repeat(1001) }],
    ['a message with control characters', { message: 'a\u001b[31m' }],
    ['a message that is no text', { message: 7 }],
  ])('%s is refused', async (_, more) => {
    expect((await create(bob, '7', more)).status).toBe(400);
  });

  test('a user has one request open for a thing, and so many in all', async () => {
    const small = await another({ access_requests_per_user: '2' });
    const dora = await small.person('dora');
    await asked(dora, '7');
    expect((await create(dora, '7', { permission: 'EDIT' })).json.error_code).toBe('RESOURCE_ALREADY_EXISTS');
    const second = await asked(dora, '8');
    const refused = await create(dora, '9');
    expect([refused.status, refused.json.error_code]).toEqual([429, 'RESOURCE_EXHAUSTED']);
    expect((await withdraw(dora, second)).status).toBe(200);
    await asked(dora, '9');
  });

  test('what the asker holds already is not asked for', async () => {
    await grantOn(admin, bob, 'experiment', '7', 'READ');
    expect((await create(bob, '7')).json.message).toContain('You hold READ');
    await asked(bob, '7', { permission: 'EDIT' });
  });

  test('nobody asks where the setting says so', async () => {
    const none = await another({ access_requests_per_user: '0' });
    const refused = await create(await none.person('emil'), '7');
    expect([refused.status, refused.json.error_code]).toEqual([403, 'PERMISSION_DENIED']);
  });
});

test('who asked, and who answered what, is in the audit log, without the message', async () => {
  const id = await asked(bob, '7', { message: 'a very personal reason' });
  await answer(admin, id, { decision: 'grant', message: 'since you say so' });
  const search = async (action: string) =>
    (await admin.get(`${A2}/audit/search?action=${action}&resource_type=experiment&resource_id=7`)).json
      .entries[0];
  const about = {
    access_request_id: id,
    username: bob.username,
    resource_type: 'experiment',
    resource_id: '7',
  };
  expect(await search('request_access')).toMatchObject({
    username: bob.username,
    change: { before: null, after: { ...about, permission: 'READ', state: 'open' } },
  });
  expect(await search('answer_access_request')).toMatchObject({
    username: 'admin',
    change: { after: { ...about, state: 'granted', granted: 'READ' } },
  });
  expect(await search('grant')).toMatchObject({
    username: 'admin',
    change: { after: { username: bob.username, permission: 'READ' } },
  });
  const all = (await admin.get(`${A2}/audit/export`)).text;
  expect(all).not.toContain('personal reason');
  expect(all).not.toContain('since you say so');
});
