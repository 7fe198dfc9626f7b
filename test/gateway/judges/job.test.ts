import type { ServerResponse } from 'node:http';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Person } from '../../support/gateway.ts';
import { useGateway } from '../../support/use-gateway.ts';

/** Stands for MLflow's job runner, which would call models: it knows jobs by id and what they work on. */
const jobs = new Map<string, { params: Record<string, unknown> }>();
/** Paths of what was forwarded. */
const sentOn: string[] = [];

const EXPERIMENT = '71';
const JOBS = '/ajax-api/3.0/jobs';

const { gateway, alice, bob, reader } = useGateway({
  fake: (request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    const { pathname } = url;
    const id = pathname.split('/').at(-1) ?? '';
    response.setHeader('content-type', 'application/json');
    if (request.method !== 'GET') {
      sentOn.push(pathname);
    }
    if (pathname.endsWith('/gateway/endpoints/get')) {
      answerEndpoint(url.searchParams.get('name'), response);
    } else if (pathname.endsWith('/invoke')) {
      response.end(JSON.stringify({ job_id: 'started', jobs: [{ job_id: 'one' }] }));
    } else if (pathname === `${JOBS}/search`) {
      response.end(JSON.stringify({ jobs: [...jobs].map(([job_id, job]) => ({ job_id, ...job })) }));
    } else if (jobs.has(id)) {
      response.end(JSON.stringify({ job_id: id, ...jobs.get(id) }));
    } else {
      response.writeHead(404).end('{}');
    }
  },
  people: ['alice', 'bob', 'reader'],
});
beforeAll(async () => {
  for (const [who, permission] of [
    [alice, 'EDIT'],
    [reader, 'READ'],
  ] as const) {
    await allow(who, 'experiment', EXPERIMENT, permission);
  }
  await allow(alice, 'gateway_endpoint', '*', 'USE');
});
beforeEach(() => {
  jobs.clear();
  sentOn.length = 0;
});

async function allow(who: Person, resource_type: string, resource_id: string, permission: string) {
  const asked = { username: who.username, resource_type, resource_id, permission };
  const { status, text } = await gateway.admin.post('/api/3.0/mlflow/users/permissions/grant', asked);
  if (status !== 200) {
    throw new Error(text);
  }
}

function answerEndpoint(name: string | null, response: ServerResponse): void {
  if (name !== 'cheap' && name !== 'dear') {
    response.writeHead(404).end('{}');
  } else {
    response.end(JSON.stringify({ endpoint: { endpoint_id: `e-${name}`, name } }));
  }
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
  const said = ({ text }: { text: string }) => text.replace(/ Request id: [^"]+/, '');
  expect(said(missing).replace('missing', '')).toBe(said(foreign).replace('foreign', ''));
});

describe('what a request for a job names is judged', () => {
  const ISSUES = '/ajax-api/3.0/mlflow/issues/invoke';
  const EVALUATE = '/ajax-api/3.0/mlflow/genai/evaluate/invoke';
  const SCORE = '/ajax-api/3.0/mlflow/scorer/invoke';
  const OPTIMIZE = '/api/3.0/mlflow/prompt-optimization/jobs';
  const CONFIG = '/api/3.0/mlflow/scorers/online-config';

  /** A user who may do all of it, but for what these grants refuse. */
  async function worker(...refused: [kind: string, id: string][]): Promise<Person> {
    const who = await gateway.person('worker');
    await allow(who, 'experiment', EXPERIMENT, 'EDIT');
    await allow(who, 'prompt', 'p', 'EDIT');
    await allow(who, 'gateway_endpoint', '*', 'USE');
    for (const [kind, id] of refused) {
      await allow(who, kind, id, 'DENY');
    }
    return who;
  }
  const scorer = (name: unknown) => JSON.stringify({ name });
  const NAMED = [
    ['POST', ISSUES, { endpoint_name: 'cheap' }],
    ['POST', EVALUATE, { serialized_scorers: [scorer('a'), scorer('b c')], scorer_versions: [null, 1] }],
    ['POST', SCORE, { scorer_name: 'b c', scorer_version: 1, serialized_scorer: '{}' }],
    ['PUT', CONFIG, { name: 'b c', sample_rate: 1 }],
    ['POST', OPTIMIZE, { source_prompt_uri: 'prompts:/p/1', config: { scorers: ['a', 'b c'] } }],
  ] as const;
  const ask = (who: Person, [method, path, body]: readonly [string, string, object]) =>
    who.send(method, path, { json: { experiment_id: EXPERIMENT, ...body } });

  test.each(NAMED)('%s %s passes for a caller who is refused nothing of it', async (...asked) => {
    expect((await ask(await worker(), asked)).status).not.toBe(403);
    expect(sentOn).toEqual([asked[1]]);
  });

  test.each(NAMED.slice(1))('%s %s with a scorer that is denied', async (...asked) => {
    const who = await worker(['scorer', `${EXPERIMENT}/b%20c`]);
    expect((await ask(who, asked)).status).toBe(403);
    expect(sentOn).toEqual([]);
  });

  test.each(NAMED)('%s %s with an endpoint denied that a scorer or prompt may call', async (...asked) => {
    const who = await worker(['gateway_endpoint', 'e-dear']);
    expect((await ask(who, asked)).status).toBe(403);
    expect(sentOn).toEqual([]);
  });

  test.each([{ config: { dataset_id: 'made-up' } }, { config: { dataset_id: 'd-0' } }])(
    'a reader is refused before %j is found to be written wrongly',
    async (named) => {
      const asked = ['POST', OPTIMIZE, { source_prompt_uri: 'prompts:/p/1', ...named }] as const;
      expect((await ask(reader, asked)).status).toBe(403);
      expect((await ask(await worker(), asked)).status).toBe(400);
      expect(sentOn).toEqual([]);
    },
  );

  test('an endpoint that is named must be there', async () => {
    const who = await worker();
    for (const endpoint_name of ['missing', '/cheap', 'cheap/']) {
      expect((await ask(who, ['POST', ISSUES, { endpoint_name }])).status).toBe(404);
    }
    expect(sentOn).toEqual([]);
  });

  test.each([
    ['a number', scorer(7)],
    ['two names', '{"name":"a","name":"b c"}'],
    ['no object', '["name"]'],
    ['no JSON', 'name'],
    ['no text', { name: 'a' }],
  ])('a scorer whose name cannot be read is a 400: %s', async (_, text) => {
    const asked = { serialized_scorers: [text], scorer_versions: [1] };
    expect((await ask(await worker(), ['POST', EVALUATE, asked])).status).toBe(400);
    expect(sentOn).toEqual([]);
  });
});
