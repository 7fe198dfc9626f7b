/**
 * `enforcement = report`: MLflow's operations pass for everybody who has signed in and the audit log says what would have
 * been refused; nothing of the gateway's own opens, nor what is refused to everyone.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { operationsOf } from '../../src/mlflow/table/match.ts';
import { SECTIONS } from '../../src/routes.ts';
import { PROBE } from '../support/answering-upstream.ts';
import { type Everybody, FOREIGN, OURS, startEverybody } from '../support/everybody.ts';
import type { Person } from '../support/gateway.ts';
import { sampleRequests } from '../support/sample-request.ts';
import { byToken, makeToken } from '../support/tokens.ts';

const A2 = '/api/2.0/mlflow';
const A3 = '/api/3.0/mlflow';

let everybody: Everybody;
beforeAll(async () => {
  everybody = await startEverybody(undefined, { enforcement: 'report' });
});
afterAll(() => everybody.close());

/** The entries of one request, once they are there. */
async function entriesOf(requestId: string): Promise<readonly Record<string, unknown>[]> {
  const path = `${A2}/audit/search?request_id=${requestId}`;
  const found = async () => (await everybody.gateway.admin.get(path)).json.entries;
  await expect.poll(async () => (await found()).length, { timeout: 3000 }).toBeGreaterThan(0);
  return (await found()).filter(({ action }: { action: string }) => action !== 'sign_in');
}

let sent = 0;
async function send(person: Person, method: string, target: string, json?: unknown) {
  sent += 1;
  const id = `request-${sent}`;
  const answer = await person.send(method, target, {
    ...(json !== undefined && { json }),
    headers: { 'x-request-id': id, [PROBE]: id },
  });
  return { ...answer, status: answer.status, id };
}

const operations = Object.values(SECTIONS).flatMap((rows) => operationsOf(rows));

describe('every row', () => {
  const ofMlflow = operations.filter(({ isOwn, need }) => !isOwn && need !== 'public');

  test.each(ofMlflow.map((operation) => ({ name: operation.name, operation })))(
    '$name',
    async ({ operation }) => {
      for (const request of sampleRequests(operation, FOREIGN)) {
        const { status, arrived, text } = await everybody.send('no grant', request);
        const outcome = `${request.method} ${request.target}: ${status} ${text.slice(0, 200)}`;
        if (operation.need === 'nobody') {
          expect([outcome, status, arrived]).toEqual([outcome, 403, undefined]);
        } else {
          expect([outcome, status === 401 || status === 403]).toEqual([outcome, false]);
        }
        expect((await everybody.send('anonymous', request)).status).toBe(401);
      }
    },
  );
});

test('what would have been refused has an entry that says so, and what is allowed one that does not', async () => {
  const person = await everybody.gateway.person('newcomer');
  const read = await send(person, 'GET', `${A2}/experiments/get?experiment_id=${OURS.experiment}`);
  expect(read.status).toBe(200);
  expect(await entriesOf(read.id)).toMatchObject([
    {
      username: person.username,
      allowed: false,
      enforced: false,
      because: `needs READ on experiment ${OURS.experiment}; no grant; default_permission is NO_PERMISSIONS`,
      resources: [{ resource_type: 'experiment', resource_id: OURS.experiment }],
      status: 200,
    },
  ]);
  const write = await send(person, 'POST', `${A2}/runs/set-tag`, { run_id: OURS.run, key: 'k', value: 'v' });
  expect(await entriesOf(write.id)).toMatchObject([
    { action: 'update', allowed: false, enforced: false, because: expect.stringContaining('needs EDIT') },
  ]);
  const admins = await send(everybody.gateway.admin, 'POST', `${A2}/runs/set-tag`, {
    run_id: OURS.run,
    key: 'k',
    value: 'v',
  });
  expect(await entriesOf(admins.id)).toMatchObject([{ allowed: true, enforced: true }]);
});

test('what the table does not know passes, and what an admin alone may do', async () => {
  const person = await everybody.gateway.person('newcomer');
  const unknown = await send(person, 'POST', `${A2}/unheard-of/operation`, { some: 'thing' });
  expect(unknown.status).toBe(200);
  expect(await entriesOf(unknown.id)).toMatchObject([
    { allowed: false, enforced: false, because: 'no row of the table matches' },
  ]);
  const odd = await send(person, 'POST', `${A2}/runs/set-tag`, {
    run_id: OURS.run,
    key: 'k',
    value: 'v',
    owner: 'x',
  });
  expect(odd.status).toBe(200);
  expect(await entriesOf(odd.id)).toMatchObject([
    { allowed: false, enforced: false, because: expect.stringContaining("Unknown parameter 'owner'") },
  ]);
});

test('a name that leads to what is hidden is noted by what it led to', async () => {
  const person = await everybody.gateway.person('newcomer');
  const got = await send(person, 'GET', `${A2}/experiments/get-by-name?experiment_name=churn`);
  expect(got.status).toBe(200);
  expect(await entriesOf(got.id)).toMatchObject([{ allowed: false, enforced: false }]);
});

test('who creates something manages it', async () => {
  const person = await everybody.gateway.person('creator');
  const { status } = await send(person, 'POST', `${A2}/experiments/create`, { name: 'new' });
  expect(status).toBe(200);
  const { store } = everybody.gateway.server;
  const user = await store.users.get(person.username);
  expect(await store.grants.get(user?.id ?? 0, 'experiment', '900')).toBe('MANAGE');
});

test('a body that streams passes', async () => {
  const person = await everybody.gateway.person('newcomer');
  const target = `/api/2.0/mlflow-artifacts/artifacts/${OURS.artifact}`;
  const answer = await person.send('PUT', target, {
    raw: Buffer.alloc(1_000_000, 'x'),
    headers: { [PROBE]: 'streamed', 'content-type': 'application/octet-stream' },
  });
  expect(answer.status).toBe(200);
});

describe('the gateway’s own operations are enforced', () => {
  const own = operations.filter(({ isOwn, need }) => isOwn && need !== 'public');

  test.each(own.map((operation) => ({ name: operation.name, operation })))('$name', async ({ operation }) => {
    for (const request of sampleRequests(operation, FOREIGN)) {
      const inReport = await everybody.send('no grant', request);
      const enforced = await enforcing.send('no grant', request);
      expect([request.target, inReport.status]).toEqual([request.target, enforced.status]);
      if (operation.need === 'admin' || operation.need === 'manage') {
        expect([request.target, inReport.status]).toEqual([request.target, 403]);
      }
    }
  });

  let enforcing: Everybody;
  beforeAll(async () => {
    enforcing = await startEverybody();
  });
  afterAll(() => enforcing.close());

  test('nobody grants, reads the log, or explains others', async () => {
    const person = await everybody.gateway.person('newcomer');
    const on = { resource_type: 'experiment', resource_id: OURS.experiment };
    const asked = [
      await person.post(`${A3}/users/permissions/grant`, {
        username: person.username,
        ...on,
        permission: 'READ',
      }),
      await person.post(`${A3}/roles/create`, { name: 'mine', workspace: 'default' }),
      await person.post(`${A2}/users/create`, { username: 'x', password: 'a long enough password' }),
      await person.get(`${A2}/audit/search`),
      await person.get(`${A2}/permissions/explain?${new URLSearchParams({ username: 'admin', ...on })}`),
      await person.get(`${A2}/permissions/holders?${new URLSearchParams(on)}`),
    ];
    expect(asked.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403, 403]);
  });
});

test('a page of another site changes nothing', async () => {
  const person = await everybody.gateway.person('newcomer');
  const { status } = await person.send('POST', `${A2}/runs/set-tag`, {
    json: { run_id: OURS.run, key: 'k', value: 'v' },
    headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  });
  expect(status).toBe(403);
});

test('the scope of a token binds all the same', async () => {
  const { gateway } = everybody;
  const carol = await gateway.person('carol');
  const by = async (scope: unknown) => byToken(gateway.url, (await makeToken(carol, { scope })).secret);
  const reading = await by({ access: 'read' });
  const confined = await by({ resources: [{ resource_type: 'experiment', resource_id: OURS.experiment }] });
  const get = (who: Person, { experiment }: typeof OURS) =>
    send(who, 'GET', `${A2}/experiments/get?experiment_id=${experiment}`);
  const log = (who: Person, { run }: typeof OURS) =>
    send(who, 'POST', `${A2}/runs/log-metric`, { run_id: run, key: 'm', value: 1 });
  const statuses = async (who: Person) => [
    (await get(who, OURS)).status,
    (await get(who, FOREIGN)).status,
    (await log(who, OURS)).status,
    (await log(who, FOREIGN)).status,
    (await send(who, 'POST', `${A2}/experiments/create`, { name: 'new' })).status,
  ];
  expect(await statuses(carol)).toEqual([200, 200, 200, 200, 200]);
  expect(await statuses(reading)).toEqual([200, 200, 403, 403, 403]);
  expect(await statuses(confined)).toEqual([200, 403, 200, 403, 403]);
});

test('a user who is disabled is let in by nothing', async () => {
  const person = await everybody.gateway.person('leaver');
  await everybody.gateway.admin.patch(`${A2}/users/update-status`, {
    username: person.username,
    is_active: false,
  });
  expect((await person.get(`${A2}/experiments/get?experiment_id=7`)).status).toBe(401);
});

test('start and status say so', async () => {
  const { log, admin } = everybody.gateway;
  expect(log).toContainEqual(
    expect.objectContaining({ level: 40, msg: expect.stringContaining('PERMISSIONS ARE NOT ENFORCED') }),
  );
  expect((await admin.get(`${A2}/status`)).json.enforcement).toBe('report');
});
