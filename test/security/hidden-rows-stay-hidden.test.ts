/**
 * What a search hides it does not tell in another way: neither by where the rows one may see lie among those one may
 * not, nor by how many of those a filter finds. Sorted and filtered at will, either would spell out hidden names.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { createExperiment, grant, type Person, unique } from '../support/gateway.ts';
import { MLFLOW_VERSIONS } from '../support/mlflow.ts';
import { useGateway } from '../support/use-gateway.ts';

describe.each(MLFLOW_VERSIONS)('a search of MLflow %s', (version) => {
  const { gateway, owner, curious } = useGateway({ version, people: ['owner', 'curious'] });

  const createModel = async (by: Person, name: string) => {
    const { status, text } = await by.post('/api/2.0/mlflow/registered-models/create', { name });
    if (status !== 200) {
      throw new Error(text);
    }
  };

  const SEARCHES = [
    {
      what: 'experiments',
      create: (by: Person, name: string) => createExperiment(by, name),
      search: '/api/2.0/mlflow/experiments/search',
    },
    { what: 'registered models', create: createModel, search: '/api/2.0/mlflow/registered-models/search' },
  ] as const;

  test('by GraphQL says nothing of how many hidden model versions a filter finds', async () => {
    const name = unique('secret');
    await createModel(owner, name);
    for (let version = 0; version < 2; version += 1) {
      // Storage that is nobody's is the admin's to name.
      const { status, text } = await gateway.admin.post('/api/2.0/mlflow/model-versions/create', {
        name,
        source: 's3://bucket/key',
      });
      expect(status, text).toBe(200);
    }
    const search = (guess: string, more = '') =>
      curious.post('/graphql', {
        query: `{mlflowSearchModelVersions(input:{filter:"name LIKE '${guess}%'"${more}}){nextPageToken modelVersions{name}}}`,
      });
    const [right, wrong] = [await search(name), await search(unique('wrong'))];
    expect([right.status, right.json.data]).toEqual([200, wrong.json.data]);
    for (const more of [',maxResults:1', ',pageToken:"eyJvZmZzZXQiOiAxfQ=="']) {
      expect((await search(name, more)).status).toBe(400);
    }
  });

  describe.each(SEARCHES)('of $what', ({ create, search }) => {
    let prefix: string;

    /** What curious is told of everything with a prefix, by name, from an offset among all rows on. */
    const ask = (size: number, token?: string, start = prefix) =>
      curious.get(
        `${search}?${new URLSearchParams({
          filter: `name LIKE '${start}%'`,
          order_by: 'name ASC',
          max_results: String(size),
          ...(token !== undefined && { page_token: token }),
        })}`,
      );

    beforeAll(async () => {
      prefix = unique('row');
      // The quote keeps the gateway from naming to MLflow the few rows that curious may read.
      for (const name of ["a'", 'c', 'e']) {
        await create(curious, prefix + name);
      }
      for (const name of ['b', 'd', 'f']) {
        await create(owner, prefix + name);
      }
    });

    test('shows the readable rows, page by page', async () => {
      const names: string[] = [];
      let token: string | undefined;
      do {
        const { status, json } = await ask(1, token);
        expect(status).toBe(200);
        for (const row of json.experiments ?? json.registered_models) {
          names.push(row.name);
        }
        token = json.next_page_token;
      } while (token !== undefined);
      expect(names).toEqual(["a'", 'c', 'e'].map((name) => prefix + name));
    });

    test('takes no offset that the client made up', async () => {
      for (const offset of [1, 2, '1', 1.5, -1]) {
        const token = Buffer.from(JSON.stringify({ offset })).toString('base64');
        expect((await ask(1, token)).status).toBe(400);
      }
    });

    test('gives no offset that the client could read off rows moved under it', async () => {
      const start = unique('ruler');
      for (const name of ["a'", 'x', 'y']) {
        await create(curious, start + name);
      }
      for (const name of ['b', 'c']) {
        await create(owner, start + name);
      }
      const { json } = await ask(1, undefined, start);
      // Before all else by name: which of them comes next would say how many hidden rows are between.
      for (const mark of ['1', '2', '3', '4']) {
        await create(curious, `${start}${mark}`);
      }
      const next = await ask(1, json.next_page_token, start);
      const [row] = next.json.experiments ?? next.json.registered_models;
      expect(row.name).toBe(`${start}x`);
    });

    test('gives no offset that the client could read', async () => {
      const { json } = await ask(2);
      expect(json.next_page_token).toBeDefined();
      expect(Buffer.from(json.next_page_token, 'base64').toString()).not.toMatch(/offset/);
    });
  });
});

describe('a search for datasets', () => {
  const DATASETS = '/api/3.0/mlflow/datasets';
  let open: string;
  let closed: string;

  const { mlflow, owner, reader } = useGateway({ version: '3.17.2', people: ['owner', 'reader'] });
  beforeAll(async () => {
    [open, closed] = [await createExperiment(owner), await createExperiment(owner)];
    await grant(owner, reader, { experiment: open }, 'READ');
  });

  const create = async (name: string, experiment_ids: readonly string[]) => {
    const { status, text } = await owner.post(`${DATASETS}/create`, { name, experiment_ids });
    expect(status, text).toBe(200);
  };
  const ask = async (method: 'GET' | 'POST', params: Record<string, string | number>) => {
    const { status, text, json } =
      method === 'GET'
        ? await reader.get(`${DATASETS}/search?${new URLSearchParams({ ...params, experiment_ids: open })}`)
        : await reader.post(`${DATASETS}/search`, { ...params, experiment_ids: [open] });
    expect(status, text).toBe(200);
    return { text, json };
  };

  test.each(['GET', 'POST'] as const)(
    'by %s says nothing of hidden ones that a filter finds',
    async (method) => {
      const name = unique('secret');
      // A caller who may read only one of the two experiments may not read it.
      await create(name, [open, closed]);
      const found = await ask(method, { filter_string: `name LIKE '${name.slice(0, -3)}%'` });
      const missed = await ask(method, { filter_string: "name LIKE 'wrong%'" });
      expect(found.text).toBe(missed.text);
    },
  );

  test.each(['GET', 'POST'] as const)('by %s is paged without a word of hidden ones', async (method) => {
    const start = unique('paged');
    const hidden = ['b', 'c', 'e', 'g', 'h'];
    const shown = ['a', 'd', 'f'];
    for (const each of hidden) {
      await create(start + each, [open, closed]);
    }
    for (const each of shown) {
      await create(start + each, [open]);
    }
    const params = { filter_string: `name LIKE '${start}%'`, order_by: 'name ASC', max_results: 1 };
    const query = method === 'GET' ? params : { ...params, order_by: ['name ASC'] as never };
    const names: string[] = [];
    let token: string | undefined;
    do {
      const { json } = await ask(method, { ...query, ...(token !== undefined && { page_token: token }) });
      expect(json.datasets).toHaveLength(1);
      names.push(json.datasets[0].name);
      token = json.next_page_token;
      expect(Buffer.from(token ?? '', 'base64').toString()).not.toContain('offset');
    } while (token !== undefined);
    expect(names).toEqual(shown.map((each) => start + each));
    const madeUp = Buffer.from('{"offset": 2}').toString('base64');
    const refused = await reader.post(`${DATASETS}/search`, { experiment_ids: [open], page_token: madeUp });
    expect(refused.status).toBe(400);
  });

  test('shows the others beside one that belongs to nothing that can be judged', async () => {
    const start = unique('poisoned');
    await create(`${start}-good`, [open]);
    // As one could be stored before an empty id was refused.
    const stored = await fetch(`${mlflow.uri}${DATASETS}/create`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: `${start}-bad`, experiment_ids: [open, ''] }),
    });
    expect(stored.status).toBe(200);
    const { json } = await ask('POST', { filter_string: `name LIKE '${start}%'` });
    expect(json.datasets.map(({ name }: { name: string }) => name)).toEqual([`${start}-good`]);
    const again = await owner.post(`${DATASETS}/create`, { name: `${start}-2`, experiment_ids: [open, ''] });
    expect([again.status, again.json.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE']);
  });
});
