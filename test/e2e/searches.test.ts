import { beforeAll, describe, expect, test } from 'vitest';
import { bytesOf } from '../support/fake-upstream.ts';
import { createExperiment, createRun, grant, type Person, unique } from '../support/gateway.ts';
import { isMlflow2, MLFLOW_VERSIONS } from '../support/mlflow.ts';
import { useGateway, useMlflow } from '../support/use-gateway.ts';

const API = '/api/2.0/mlflow';
const API_3 = '/api/3.0/mlflow';

/** Makes one of everything that MLflow 3 lists, in an experiment of its owner's. */
async function fillLists(owner: Person, experiment_id: string): Promise<void> {
  const make = async (path: string, json: unknown) => {
    const made = await owner.post(`${API_3}/${path}`, json);
    expect(made.status, made.text).toBe(200);
    return made.json;
  };
  await make('datasets/create', { name: 'dataset', experiment_ids: [experiment_id] });
  await make('scorers/register', { experiment_id, name: 'judge', serialized_scorer: '{}' });
  const { secret } = await make('gateway/secrets/create', {
    secret_name: 'secret',
    secret_value: { api_key: 'a-key' },
    provider: 'openai',
  });
  const { model_definition } = await make('gateway/model-definitions/create', {
    name: 'definition',
    secret_id: secret.secret_id,
    provider: 'openai',
    model_name: 'a-model',
  });
  const { model_definition_id } = model_definition;
  const model_configs = [{ model_definition_id, linkage_type: 'PRIMARY', weight: 1 }];
  await make('gateway/endpoints/create', { name: 'endpoint', usage_tracking: false, model_configs });
  await make('mcp-servers', { name: 'space/server' });
  await make('mcp-servers/space/server/versions', {
    server_json: { name: 'space/server', version: '1.0.0' },
  });
  await make('mcp-servers/space/server/endpoints', {
    url: 'https://example.com/mcp',
    server_version: '1.0.0',
  });
}

describe.each(MLFLOW_VERSIONS)('searches in front of MLflow %s', (version) => {
  /** Requests that reached MLflow. */
  let asked: string[] = [];
  /** What MLflow answers for each list while there is nothing in it. */
  let emptied: readonly unknown[];
  const prefix = unique('s');
  const names = [
    `${prefix}-plain`,
    `${prefix} with blanks`,
    `${prefix}-o'brien`,
    `${prefix}-"quoted"`,
    `${prefix}-ünïcødé-値`,
    `${prefix}-100%_a`,
    ...Array.from({ length: 4 }, (_, index) => `${prefix}-${index}`),
  ];
  /** Every second one is alice's, the others are bob's. */
  const hers = names.filter((_, index) => index % 2 === 0);
  const ids = new Map<string, string>();
  const registered = names.filter((name) => !/["'%]/.test(name) || name.includes("'"));

  // Before the gateway, which asks at its start already. Its own, as it is filled: other tests look at first pages.
  const mlflow = useMlflow({ version });
  const { gateway, alice, bob, another } = useGateway({
    fake: async (request, response) => {
      asked.push(`${request.method} ${request.url}`);
      const body = await bytesOf(request);
      const answer = await fetch(`${mlflow.uri}${request.url}`, {
        method: request.method ?? 'GET',
        headers: { 'content-type': 'application/json' },
        ...(body.length > 0 && { body }),
      });
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(Buffer.from(await answer.arrayBuffer()));
    },
    people: ['alice', 'bob'],
  });
  beforeAll(async () => {
    emptied = await answersTo(gateway.admin);
    for (const name of names) {
      const owner = hers.includes(name) ? alice : bob;
      ids.set(name, await createExperiment(owner, name));
      if (!registered.includes(name)) {
        continue;
      }
      expect((await owner.post(`${API}/registered-models/create`, { name })).status).toBe(200);
      const run = await createRun(owner, ids.get(name) ?? '');
      for (const source of [`runs:/${run}/a`, `runs:/${run}/b`]) {
        const made = await owner.post(`${API}/model-versions/create`, { name, source, run_id: run });
        expect(made.status, made.text).toBe(200);
      }
    }
    asked = [];
  });

  const idOf = (name: string) => ids.get(name) ?? '';

  /** Every list of this version that holds things of several owners; without the experiment that each MLflow has. */
  const lists: readonly (readonly [method: string, target: string, json?: unknown])[] = [
    ['GET', `${API}/experiments/search?max_results=100&filter=name%20LIKE%20%27${prefix}%25%27`],
    ['POST', `${API}/experiments/search`, { max_results: 100, filter: `name LIKE '${prefix}%'` }],
    ['GET', `${API}/registered-models/search`],
    ['GET', `${API}/model-versions/search`],
    ...(version === '2.15.1'
      ? []
      : ([
          ['POST', `${API_3}/datasets/search`, {}],
          ['GET', `${API_3}/scorers/list`],
          ['GET', `${API_3}/gateway/secrets/list`],
          ['GET', `${API_3}/gateway/model-definitions/list`],
          ['GET', `${API_3}/gateway/endpoints/list`],
          ['GET', '/gateway/mlflow/v1/models'],
          ['GET', `${API_3}/mcp-servers`],
          ['GET', `${API_3}/mcp-servers/endpoints`],
        ] as const)),
  ];

  const answersTo = (who: Person) =>
    Promise.all(
      lists.map(async ([method, target, json]) => {
        const answer = await who.send(method, target, json === undefined ? {} : { json });
        return { target, status: answer.status, json: answer.json };
      }),
    );

  test('a list in which everything is hidden looks as it did while nothing was there', async () => {
    if (version !== '2.15.1') {
      await fillLists(bob, idOf(names[1] ?? ''));
    }
    for (const [index, { json }] of (await answersTo(gateway.admin)).entries()) {
      expect(json, lists[index]?.[1]).not.toEqual((emptied[index] as { json: unknown }).json);
    }
    expect(await answersTo(await gateway.person('nobody'))).toEqual(emptied);
  });

  interface Kind {
    readonly what: string;
    readonly path: string;
    readonly list: string;
    readonly name: (row: Record<string, string>) => string | undefined;
    readonly methods: readonly ('GET' | 'POST')[];
    readonly all: readonly string[];
  }
  const kinds: readonly Kind[] = [
    {
      what: 'experiments',
      path: 'experiments/search',
      list: 'experiments',
      name: (row) => row['name'],
      methods: ['POST', 'GET'],
      all: names,
    },
    {
      what: 'registered models',
      path: 'registered-models/search',
      list: 'registered_models',
      name: (row) => row['name'],
      methods: ['GET'],
      all: registered,
    },
    {
      what: 'model versions',
      path: 'model-versions/search',
      list: 'model_versions',
      name: (row) => row['name'],
      methods: ['GET'],
      all: registered.flatMap((name) => [name, name]),
    },
  ];

  async function page(
    who: Person,
    kind: Kind,
    method: 'GET' | 'POST',
    params: Record<string, string | number | string[]>,
  ) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(params)) {
      for (const each of [value].flat()) {
        query.append(name, String(each));
      }
    }
    const answer =
      method === 'GET'
        ? await who.get(`${API}/${kind.path}?${query}`.replaceAll('+', '%20'))
        : await who.post(`${API}/${kind.path}`, params);
    expect(answer.status, answer.text).toBe(200);
    return {
      rows: (answer.json[kind.list] ?? []) as Record<string, string>[],
      token: answer.json.next_page_token as string | undefined,
    };
  }

  /** All names that a search shows, page after page. */
  async function walk(
    who: Person,
    kind: Kind,
    method: 'GET' | 'POST',
    size: number,
    params: Record<string, string | string[]> = {},
  ) {
    return (await rowsOf(who, kind, method, size, params)).map(kind.name);
  }

  async function rowsOf(
    who: Person,
    kind: Kind,
    method: 'GET' | 'POST',
    size: number,
    params: Record<string, string | string[]> = {},
  ) {
    const seen: Record<string, string>[] = [];
    let token: string | undefined;
    do {
      const { rows, token: next } = await page(who, kind, method, {
        ...params,
        max_results: size,
        ...(token !== undefined && { page_token: token }),
      });
      seen.push(...rows);
      if (next !== undefined) {
        expect(rows).toHaveLength(size);
      }
      token = next;
    } while (token !== undefined);
    return seen;
  }

  const cases = kinds.flatMap((kind) => kind.methods.map((method) => ({ ...kind, kind, method })));

  test.each(cases)(
    '$method $what: each user walks through their own, for any page size',
    async ({ kind, method }) => {
      for (const [who, mine] of [
        [alice, (name: string) => hers.includes(name)],
        [bob, (name: string) => !hers.includes(name)],
      ] as const) {
        for (const size of [1, 3, 100]) {
          const seen = await walk(who, kind, method, size);
          expect(seen.toSorted()).toEqual(kind.all.filter(mine).toSorted());
        }
      }
    },
  );

  test.each(cases)('$method $what: the client’s filter narrows what it may see', async ({ kind, method }) => {
    const seen = await walk(alice, kind, method, 2, { filter: `name LIKE '${prefix}-%'` });
    expect(seen.toSorted()).toEqual(
      kind.all.filter((name) => hers.includes(name) && name.startsWith(`${prefix}-`)).toSorted(),
    );
    expect(await walk(bob, kind, method, 2, { filter: `name = '${prefix}-plain'` })).toEqual([]);
  });

  test.each(cases)('$method $what: no filter reaches around the gateway’s own', async ({ kind, method }) => {
    for (const filter of [
      `name = '${prefix}-plain' OR name = '${prefix}-1'`,
      `name LIKE '%') OR (name LIKE '%'`,
      `name LIKE '%' -- `,
      `name LIKE '%'; SELECT 1`,
      "experiment_id IN ('0') OR name LIKE '%'",
    ]) {
      const params = { filter, max_results: 100 };
      const answer =
        method === 'GET'
          ? await bob.get(`${API}/${kind.path}?max_results=100&filter=${encodeURIComponent(filter)}`)
          : await bob.post(`${API}/${kind.path}`, params);
      const rows: Record<string, string>[] = answer.json?.[kind.list] ?? [];
      for (const row of rows) {
        expect(hers).not.toContain(kind.name(row));
      }
    }
  });

  test.each(cases)(
    '$method $what: a filter that MLflow cannot read is a 400 in its words',
    async ({ kind, method }) => {
      const filter = 'nonsense ===';
      const ask = (who: Person) =>
        method === 'GET'
          ? who.get(`${API}/${kind.path}?max_results=5&filter=${encodeURIComponent(filter)}`)
          : who.post(`${API}/${kind.path}`, { max_results: 5, filter });
      const nobody = await gateway.person('nobody');
      for (const who of [alice, nobody]) {
        const answer = await ask(who);
        expect(answer.status).toBe(400);
        expect(answer.json).toEqual((await ask(gateway.admin)).json);
      }
    },
  );

  test.each(cases)('$method $what: order_by holds across pages', async ({ kind, method }) => {
    const seen = await walk(alice, kind, method, 2, { order_by: ['name DESC'] });
    const sorted = kind.all.filter((name) => hers.includes(name)).toSorted((a, b) => (a < b ? 1 : -1));
    expect(seen).toEqual(sorted);
  });

  test('a deleted experiment is in the deleted view of a user who may read it', async () => {
    const name = unique('deleted');
    const experiment = await createExperiment(alice, name);
    await alice.post(`${API}/experiments/delete`, { experiment_id: experiment });
    const [kind] = kinds;
    if (kind === undefined) {
      throw new Error('no kind');
    }
    for (const method of ['GET', 'POST'] as const) {
      expect(await walk(alice, kind, method, 100, { view_type: 'DELETED_ONLY' })).toEqual([name]);
      expect(await walk(bob, kind, method, 100, { view_type: 'DELETED_ONLY' })).toEqual([]);
      expect(await walk(alice, kind, method, 100)).not.toContain(name);
      expect(await walk(alice, kind, method, 100, { view_type: 'ALL' })).toContain(name);
    }
    await alice.post(`${API}/experiments/restore`, { experiment_id: experiment });
    expect(await walk(alice, kind, 'GET', 100)).toContain(name);
    await alice.post(`${API}/experiments/delete`, { experiment_id: experiment });
  });

  test('a grant shows a row on the next request, its end hides it', async () => {
    const [kind] = kinds;
    if (kind === undefined) {
      throw new Error('no kind');
    }
    const carol = await gateway.person('carol');
    const name = names[4] ?? '';
    await grant(alice, carol, { experiment: idOf(name) }, 'READ');
    expect(await walk(carol, kind, 'POST', 100)).toEqual([name]);
    await alice.delete(`${API}/experiments/permissions/delete`, {
      experiment_id: idOf(name),
      username: carol.username,
    });
    expect(await walk(carol, kind, 'POST', 100)).toEqual([]);
  });

  test('a grant on all shows all but what is refused', async () => {
    const dora = await gateway.person('dora');
    const granted = await gateway.admin.post('/api/3.0/mlflow/users/permissions/grant', {
      username: dora.username,
      resource_type: 'experiment',
      resource_id: '*',
      permission: 'READ',
    });
    expect(granted.status, granted.text).toBe(200);
    await grant(gateway.admin, dora, { experiment: idOf(names[1] ?? '') }, 'NO_PERMISSIONS');
    const [kind] = kinds;
    if (kind === undefined) {
      throw new Error('no kind');
    }
    for (const size of [3, 1000]) {
      const seen = (await walk(dora, kind, 'POST', size)).filter((name) => name?.startsWith(prefix));
      expect(seen.toSorted()).toEqual(names.filter((_, index) => index !== 1).toSorted());
    }
  });

  test('with READ as default permission everything shows but what is refused', async () => {
    const open = await another({ default_permission: 'READ' });
    const erik = await open.person('erik');
    await grant(open.admin, erik, { experiment: idOf(names[2] ?? '') }, 'NO_PERMISSIONS');
    await grant(open.admin, erik, { model: names[2] ?? '' }, 'NO_PERMISSIONS');
    for (const { kind, method } of cases) {
      const seen = (await walk(erik, kind, method, 4)).filter((name) => name?.startsWith(prefix));
      expect(seen.toSorted()).toEqual(kind.all.filter((name) => name !== names[2]).toSorted());
    }
  });

  test('runs: only those in experiments that may be read, whichever are asked for', async () => {
    const both = [idOf(names[0] ?? ''), idOf(names[1] ?? '')];
    const answer = await alice.post(`${API}/runs/search`, { experiment_ids: both, max_results: 10 });
    const homes = answer.json.runs.map((run: { info: { experiment_id: string } }) => run.info.experiment_id);
    expect(new Set(homes)).toEqual(new Set([both[0]]));
    const none = await alice.post(`${API}/runs/search`, { experiment_ids: [both[1]] });
    expect([none.status, none.json]).toEqual([200, {}]);
  });

  test('model versions by GraphQL are filtered as those by REST', async () => {
    const query = 'query { mlflowSearchModelVersions(input: {}) { modelVersions { name version } } }';
    const answer = await alice.post('/graphql', { query });
    const seen = answer.json.data?.mlflowSearchModelVersions?.modelVersions?.map(
      ({ name }: { name: string }) => name,
    );
    expect(new Set(seen)).toEqual(new Set(registered.filter((name) => hers.includes(name))));
  });

  describe('two readable among a hundred', () => {
    const crowd = unique('crowd');
    const many = Array.from({ length: 100 }, (_, index) => `${crowd}-${index}`);
    // In another order by name than by age, whatever the case.
    const few = [`${crowd}-71`, `${crowd}-Zz`];
    let frida: Person;

    beforeAll(async () => {
      frida = await gateway.person('frida');
      const { admin } = gateway;
      const run_id = await createRun(admin, idOf(names[0] ?? ''));
      const make = async (name: string) => {
        const tags = [{ key: 'third', value: String(Number(name.split('-').at(-1)) % 3) }];
        const made = await admin.post(`${API}/experiments/create`, { name, tags });
        await admin.post(`${API}/registered-models/create`, { name });
        for (const part of few.includes(name) ? ['a', 'b', 'c'] : ['a']) {
          const source = `runs:/${run_id}/${part}`;
          await admin.post(`${API}/model-versions/create`, { name, source, run_id, tags });
        }
        if (!few.includes(name)) {
          return;
        }
        await grant(admin, frida, { experiment: made.json.experiment_id }, 'READ');
        await grant(admin, frida, { model: name }, 'READ');
      };
      const all = [...many, `${crowd}-Zz`];
      for (let start = 0; start < all.length; start += 4) {
        await Promise.all(all.slice(start, start + 4).map(make));
      }
    });

    const orders: Readonly<Record<string, readonly string[][]>> = {
      experiments: [
        [],
        ['name ASC'],
        ['name desc'],
        ['creation_time'],
        ['last_update_time DESC', 'name'],
        ['experiment_id ASC'],
        ['attribute.name DESC'],
      ],
      'registered models': [[], ['name DESC'], ['timestamp ASC'], ['last_updated_timestamp DESC', 'name']],
      'model versions': [
        [],
        ['name DESC'],
        ['version_number ASC'],
        ['creation_timestamp DESC', 'version_number'],
        ['last_updated_timestamp'],
      ],
    };
    const filters: Readonly<Record<string, readonly string[]>> = {
      experiments: ['', "tags.third = '2'", `name LIKE '${crowd}-%'`],
      'registered models': ['', `name LIKE '${crowd}-7%'`],
      'model versions': ['', "tags.third = '2'", "version_number > 1 AND name LIKE '%'"],
    };

    test.each(cases)(
      '$method $what: shows the rows that the admin is shown, and in that order',
      async ({ kind, method }) => {
        for (const order_by of orders[kind.what] ?? []) {
          for (const filter of filters[kind.what] ?? []) {
            const params = { ...(filter !== '' && { filter }), ...(order_by.length > 0 && { order_by }) };
            const all = await rowsOf(gateway.admin, kind, method, 1000, params);
            const expected = all.filter((row) => few.includes(kind.name(row) ?? ''));
            for (const size of [1, 100]) {
              const seen = await rowsOf(frida, kind, method, size, params);
              expect(seen, `${order_by} ${filter} ${size}`).toEqual(expected);
            }
          }
        }
      },
    );

    test.each(cases)(
      '$method $what: each is asked for where no ids can be named',
      async ({ kind, method }) => {
        await page(frida, kind, method, { max_results: 5 });
        asked = [];
        await page(frida, kind, method, { max_results: 5 });
        expect(asked).toHaveLength(isMlflow2(version) ? few.length : 1);
      },
    );

    test('by experiments that are deleted, in the view that shows them', async () => {
      const [kind] = kinds;
      if (kind === undefined) {
        throw new Error('no kind');
      }
      const [name = ''] = few;
      const [row] = (await rowsOf(frida, kind, 'POST', 100)).filter((each) => each['name'] === name);
      const { experiment_id } = row ?? {};
      await gateway.admin.post(`${API}/experiments/delete`, { experiment_id });
      for (const view_type of ['ACTIVE_ONLY', 'DELETED_ONLY', 'ALL']) {
        const all = await rowsOf(gateway.admin, kind, 'POST', 1000, { view_type });
        const expected = all.filter((each) => few.includes(kind.name(each) ?? ''));
        expect(await rowsOf(frida, kind, 'POST', 2, { view_type }), view_type).toEqual(expected);
      }
      await gateway.admin.post(`${API}/experiments/restore`, { experiment_id });
    });
  });

  test('a few among many cost a handful of upstream calls', async () => {
    for (const { kind, method } of cases) {
      await page(alice, kind, method, { max_results: 5 });
      asked = [];
      await page(alice, kind, method, { max_results: 5 });
      expect(asked.length, kind.what).toBeLessThanOrEqual(3);
    }
  });
});
