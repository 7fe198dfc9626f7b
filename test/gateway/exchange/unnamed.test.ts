/** Searches that name no experiment, or none that may be read: the answer is MLflow's, about what the caller may read. */
import { beforeAll, describe, expect, test } from 'vitest';
import { createExperiment, grant, type Person, unique } from '../../support/gateway.ts';
import { MLFLOW_VERSIONS } from '../../support/mlflow.ts';
import { useGateway } from '../../support/use-gateway.ts';

const API_2 = '/api/2.0/mlflow';
const API_3 = '/api/3.0/mlflow';

/** What is asked with a list that MLflow has its own mind about. */
const ODD: readonly (readonly [path: string, body: unknown])[] = [
  [`${API_2}/runs/search`, {}],
  [`${API_2}/runs/search`, { experiment_ids: [] }],
  [`${API_2}/runs/search`, { experiment_ids: [], filter: 'nonsense ===' }],
  [`${API_2}/logged-models/search`, {}],
  [`${API_2}/logged-models/search`, { experiment_ids: [] }],
  [`${API_2}/logged-models/search`, { max_results: 5 }],
  ['/ajax-api/2.0/mlflow/experiments/search-datasets', {}],
  ['/ajax-api/2.0/mlflow/experiments/search-datasets', { experiment_ids: [] }],
  [`${API_3}/traces/search`, { locations: [] }],
  [`${API_3}/traces/search`, { locations: [], filter: 'nonsense ===' }],
  [`${API_3}/traces/metrics`, { experiment_ids: [] }],
  [
    `${API_3}/traces/calculate-filter-correlation`,
    { experiment_ids: [], filter_string1: 'status = "OK"', filter_string2: 'status = "OK"' },
  ],
  [`${API_3}/datasets/search`, { filter_string: 'nonsense ===' }],
  [`${API_3}/issues/search`, { max_results: 60_000 }],
];

describe.each(MLFLOW_VERSIONS)('a search of MLflow %s without an experiment', (version) => {
  let hidden: string;

  const { gateway, mlflow, alice, nobody } = useGateway({ version, people: ['alice', 'nobody'] });
  beforeAll(async () => {
    await createExperiment(alice);
    hidden = await createExperiment(gateway.admin);
  });

  test.each(ODD)('gets the answer that MLflow itself gives: %s %j', async (path, body) => {
    const direct = await fetch(mlflow.uri + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await direct.text();
    for (const who of [alice, nobody]) {
      const answer = await who.post(path, body);
      expect([answer.status, answer.text]).toEqual([direct.status, text]);
    }
  });

  test.each([
    `${API_2}/runs/search`,
    `${API_2}/logged-models/search`,
    '/ajax-api/2.0/mlflow/experiments/search-datasets',
    ...(version === '2.15.1' ? [] : [`${API_3}/datasets/search`]),
  ])('or with one that is hidden, is asked for nothing by MLflow’s own rules: %s', async (path) => {
    const search = (by: Person, more: Record<string, unknown> = {}) =>
      by.post(path, { experiment_ids: [hidden], ...more });
    const isThere = (await search(gateway.admin)).status === 200;
    expect((await search(nobody)).status).toBe(isThere ? 200 : 404);
    if (isThere) {
      expect((await search(nobody)).json).toEqual({});
    }
    if (path.endsWith('search-datasets')) {
      // It has no pages: the field is refused before MLflow is asked.
      return;
    }
    const wrong = { max_results: -1 };
    expect((await search(nobody, wrong)).status).toBe((await search(gateway.admin, wrong)).status);
  });
});

describe('a search that MLflow 3 makes among everything where no experiment is named', () => {
  let alices: string;
  const names = { alice: unique('hers'), bob: unique('his') };

  /** The reader may read what is alice's, and nothing else. */
  const { gateway, alice, bob, reader } = useGateway({
    version: '3.17.2',
    people: ['alice', 'bob', 'reader'],
  });
  beforeAll(async () => {
    alices = await createExperiment(alice);
    await grant(alice, reader, { experiment: alices }, 'READ');
    for (const [who, home, name] of [
      [alice, alices, names.alice],
      [bob, await createExperiment(bob), names.bob],
    ] as const) {
      const make = async (path: string, json: unknown) => {
        const made = await who.post(`${API_3}/${path}`, json);
        expect(made.status, made.text).toBe(200);
        return made.json;
      };
      await make('datasets/create', { name, experiment_ids: [home] });
      await make('issues', {
        experiment_id: home,
        name,
        description: name,
      });
      await make('scorers/register', { experiment_id: home, name, serialized_scorer: '{}' });
    }
  });

  const SEARCHES = [
    ['datasets by POST', (who: Person) => who.post(`${API_3}/datasets/search`, {})],
    ['datasets by GET', (who: Person) => who.get(`${API_3}/datasets/search`)],
    [
      'datasets by name',
      (who: Person) => who.post(`${API_3}/datasets/search`, { filter_string: `name = '${names.alice}'` }),
    ],
    ['issues', (who: Person) => who.post(`${API_3}/issues/search`, {})],
    ['scorers', (who: Person) => who.get(`${API_3}/scorers/list`)],
  ] as const;

  test.each(SEARCHES)('%s shows what the caller may read', async (_what, search) => {
    for (const who of [alice, reader]) {
      const { status, text } = await search(who);
      expect(status, text).toBe(200);
      expect(text).toContain(names.alice);
      expect(text).not.toContain(names.bob);
    }
    const nobody = await gateway.person('nobody');
    expect((await search(nobody)).text).not.toContain(names.alice);
    expect((await search(gateway.admin)).text).toContain(names.alice);
  });

  test('issues are paged without a word of those of others', async () => {
    const make = (who: Person, experiment_id: string, name: string) =>
      who.post(`${API_3}/issues`, {
        experiment_id,
        name,
        description: name,
      });
    const his = await createExperiment(bob);
    const hers = [names.alice];
    for (let index = 0; index < 3; index += 1) {
      await make(bob, his, unique('his'));
      const name = unique('hers');
      hers.push(name);
      await make(alice, alices, name);
    }
    const seen: string[] = [];
    let page_token = '';
    do {
      const { json } = await reader.post(`${API_3}/issues/search`, { max_results: 1, page_token });
      expect(json.issues).toHaveLength(1);
      seen.push(json.issues[0].name);
      page_token = json.next_page_token;
      expect(Buffer.from(page_token, 'base64').toString()).not.toContain('offset');
    } while (page_token !== '');
    expect(seen.toSorted()).toEqual(hers.toSorted());
  });

  test('scorers of several experiments are those of the ones that may be read', async () => {
    const his = await createExperiment(bob);
    const { status, json } = await reader.get(
      `${API_3}/scorers/list?experiment_ids=${his}&experiment_ids=${alices}`,
    );
    expect([status, json.scorers.map((row: { scorer_name: string }) => row.scorer_name)]).toEqual([
      200,
      [names.alice],
    ]);
    expect((await reader.get(`${API_3}/scorers/list?experiment_ids=${his}`)).json).toEqual({});
  });

  test('bindings of endpoints are those of the ones that may be read', async () => {
    const { status, text, json } = await reader.get(`${API_3}/gateway/endpoints/bindings/list`);
    expect([status, json], text).toEqual([200, {}]);
  });
});
