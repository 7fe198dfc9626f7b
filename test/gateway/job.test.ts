import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Person, startGateway, type TestGateway } from '../support/gateway.ts';

/** Stands for MLflow's job runner, which would call models: it knows jobs by id and what they work on. */
const jobs = new Map<string, { params: Record<string, unknown> }>();
let upstream: Server;
let gateway: TestGateway;
let alice: Person;
let bob: Person;
let reader: Person;

const EXPERIMENT = '71';
const JOBS = '/ajax-api/3.0/jobs';

beforeAll(async () => {
  upstream = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://x');
    const id = pathname.split('/').at(-1) ?? '';
    response.setHeader('content-type', 'application/json');
    if (pathname.endsWith('/invoke'))
      response.end(JSON.stringify({ job_id: 'started', jobs: [{ job_id: 'one' }] }));
    else if (pathname === `${JOBS}/search`) {
      response.end(JSON.stringify({ jobs: [...jobs].map(([job_id, job]) => ({ job_id, ...job })) }));
    } else if (jobs.has(id)) response.end(JSON.stringify({ job_id: id, ...jobs.get(id) }));
    else response.writeHead(404).end('{}');
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  gateway = await startGateway(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`);
  alice = await gateway.person('alice');
  bob = await gateway.person('bob');
  reader = await gateway.person('reader');
  for (const [who, permission] of [
    [alice, 'EDIT'],
    [reader, 'READ'],
  ] as const) {
    await allow(who, 'experiment', EXPERIMENT, permission);
  }
  await allow(alice, 'gateway_endpoint', '*', 'USE');
});
afterAll(async () => {
  await gateway.close();
  upstream.close();
});
beforeEach(() => jobs.clear());

async function allow(who: Person, resource_type: string, resource_id: string, permission: string) {
  const asked = { username: who.username, resource_type, resource_id, permission };
  const { status, text } = await gateway.admin.post('/api/3.0/mlflow/users/permissions/grant', asked);
  if (status !== 200) throw new Error(text);
}

const BOTH = [JOBS, '/ajax-api/3.0/mlflow/jobs'];

test('a job is seen with READ on its experiment and cancelled with EDIT', async () => {
  jobs.set('a-job', { params: { experiment_id: EXPERIMENT } });
  for (const base of BOTH) {
    expect((await alice.get(`${base}/a-job`)).status).toBe(200);
    expect((await reader.get(`${base}/a-job`)).status).toBe(200);
    expect((await bob.get(`${base}/a-job`)).status).toBe(403);
    expect((await reader.patch(`${base}/cancel/a-job`, {})).status).toBe(403);
    expect((await bob.patch(`${base}/cancel/a-job`, {})).status).toBe(403);
    expect((await alice.patch(`${base}/cancel/a-job`, {})).status).toBe(200);
  }
});

test('a job that does not say its experiment is of the one it was started in', async () => {
  const started = { experiment_id: EXPERIMENT, trace_ids: [] };
  expect((await alice.post('/ajax-api/3.0/mlflow/issues/invoke', started)).status).toBe(200);
  jobs.set('started', { params: {} });
  jobs.set('of-nobody', { params: {} });
  expect((await alice.get(`${JOBS}/started`)).status).toBe(200);
  expect((await bob.get(`${JOBS}/started`)).status).toBe(403);
  expect((await alice.get(`${JOBS}/of-nobody`)).status).toBe(403);
});

test('every job that a request started is remembered', async () => {
  const started = { experiment_id: EXPERIMENT, trace_ids: [] };
  expect((await alice.post('/ajax-api/3.0/mlflow/scorer/invoke', started)).status).toBe(200);
  jobs.set('one', { params: {} });
  expect((await alice.get(`${JOBS}/one`)).status).toBe(200);
  expect((await reader.get(`${JOBS}/one`)).status).toBe(200);
  expect((await bob.get(`${JOBS}/one`)).status).toBe(403);
});

test('a search shows the jobs one may see', async () => {
  jobs.set('seen', { params: { experiment_id: EXPERIMENT } });
  jobs.set('foreign', { params: { experiment_id: '72' } });
  jobs.set('nobodys', { params: {} });
  const found = async (who: Person) =>
    (await who.post(`${JOBS}/search`, {})).json.jobs.map(({ job_id }: { job_id: string }) => job_id);
  expect(await found(alice)).toEqual(['seen']);
  expect(await found(reader)).toEqual(['seen']);
  expect(await found(bob)).toEqual([]);
  expect(await found(gateway.admin)).toEqual(['seen', 'foreign', 'nobodys']);
});

test('only an admin submits a job by its name', async () => {
  expect((await alice.post(`${JOBS}/`, { job_name: 'invoke_scorer', params: {} })).status).toBe(403);
});

test('a job that is not there is refused like one that may not be seen', async () => {
  jobs.set('foreign', { params: { experiment_id: '72' } });
  const missing = await alice.get(`${JOBS}/missing`);
  const foreign = await alice.get(`${JOBS}/foreign`);
  expect(missing.status).toBe(403);
  expect(missing.text.replace('missing', '')).toBe(foreign.text.replace('foreign', ''));
});
