/**
 * What one may do does not depend on how it is asked. Requests for another user's things, twisted in every
 * way that has got through somewhere, go through the gateway to a real MLflow: none may ever show what is
 * the victim's, and all of it must be as it was at the end.
 */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { createExperiment, createRun, type Person, unique } from '../support/gateway.ts';
import { MLFLOW_VERSIONS } from '../support/mlflow.ts';
import { type RawRequest, sendRaw, statusOf } from '../support/raw-http.ts';
import { useGateway } from '../support/use-gateway.ts';

/** Stands in everything that the victim wrote, and in no request. */
const CANARY = 'canary-7f3a';
const RUNS = 1000;

/** A request for a thing of a user; fields are in the query of a GET and in the body of all others. */
interface Plain {
  readonly method: string;
  readonly path: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

interface Things {
  readonly experiment: string;
  readonly run: string;
  readonly model: string;
}

const api = (path: string) => `/api/2.0/mlflow/${path}`;
const proxy = '/api/2.0/mlflow-artifacts/artifacts';

/** Requests that show something of an owner's; each shows the canary to the owner. */
const reads = ({ experiment, run, model }: Things): readonly Plain[] => [
  { method: 'GET', path: api('experiments/get'), fields: { experiment_id: experiment } },
  { method: 'GET', path: api('runs/get'), fields: { run_id: run } },
  { method: 'GET', path: api('runs/get'), fields: { run_uuid: run } },
  { method: 'POST', path: api('runs/search'), fields: { experiment_ids: [experiment] } },
  { method: 'GET', path: api('metrics/get-history'), fields: { run_id: run, metric_key: CANARY.slice(7) } },
  { method: 'GET', path: api('artifacts/list'), fields: { run_id: run } },
  { method: 'GET', path: '/get-artifact', fields: { run_id: run, path: 'secret.txt' } },
  { method: 'GET', path: `${proxy}/${experiment}/${run}/artifacts/secret.txt`, fields: {} },
  { method: 'GET', path: proxy, fields: { path: `${experiment}/${run}/artifacts` } },
  { method: 'GET', path: api('registered-models/get'), fields: { name: model } },
  { method: 'GET', path: api('registered-models/search'), fields: { max_results: '1000' } },
  { method: 'GET', path: api('model-versions/get'), fields: { name: model, version: '1' } },
  { method: 'GET', path: api('model-versions/search'), fields: { filter: `name='${model}'` } },
  {
    method: 'GET',
    path: '/model-versions/get-artifact',
    fields: { name: model, version: '1', path: 'secret.txt' },
  },
  { method: 'POST', path: api('experiments/search'), fields: { max_results: 5000 } },
  {
    method: 'POST',
    path: '/graphql',
    fields: { query: `{mlflowGetRun(input:{runId:"${run}"}){run{data{tags{key value}}}}}` },
  },
];

/** Requests that change something of an owner's. */
const writes = ({ experiment, run, model }: Things): readonly Plain[] => [
  { method: 'POST', path: api('runs/set-tag'), fields: { run_id: run, key: 'k', value: 'v' } },
  { method: 'POST', path: api('runs/set-tag'), fields: { run_uuid: run, key: 'k', value: 'v' } },
  { method: 'POST', path: api('runs/log-parameter'), fields: { run_id: run, key: 'k', value: 'v' } },
  { method: 'POST', path: api('runs/log-batch'), fields: { run_id: run, tags: [{ key: 'k', value: 'v' }] } },
  { method: 'POST', path: api('runs/update'), fields: { run_id: run, run_name: 'mine now' } },
  { method: 'POST', path: api('runs/create'), fields: { experiment_id: experiment, start_time: 1 } },
  { method: 'POST', path: api('runs/delete'), fields: { run_id: run } },
  { method: 'POST', path: api('experiments/update'), fields: { experiment_id: experiment, new_name: 'x' } },
  { method: 'POST', path: api('experiments/delete'), fields: { experiment_id: experiment } },
  {
    method: 'POST',
    path: api('experiments/set-experiment-tag'),
    fields: { experiment_id: experiment, key: 'k', value: 'v' },
  },
  { method: 'PATCH', path: api('registered-models/update'), fields: { name: model, description: 'x' } },
  { method: 'DELETE', path: api('registered-models/delete'), fields: { name: model } },
  { method: 'POST', path: api('registered-models/set-tag'), fields: { name: model, key: 'k', value: 'v' } },
  { method: 'DELETE', path: api('model-versions/delete'), fields: { name: model, version: '1' } },
  { method: 'PUT', path: `${proxy}/${experiment}/${run}/artifacts/secret.txt`, fields: {} },
  { method: 'DELETE', path: `${proxy}/${experiment}/${run}/artifacts/secret.txt`, fields: {} },
  {
    method: 'POST',
    path: api('experiments/permissions/create'),
    fields: { experiment_id: experiment, username: 'attacker', permission: 'READ' },
  },
];

/** Requests on the attacker's own model that would make it show the victim's files. */
const pointers = (mine: Things, { experiment, run, model }: Things): readonly Plain[] =>
  [
    `runs:/${run}`,
    `mlflow-artifacts:/${experiment}/${run}/artifacts`,
    `models:/${model}/1`,
    `runs:/${mine.run}/../../${run}/artifacts`,
  ].map((source) => ({
    method: 'POST',
    path: api('model-versions/create'),
    fields: { name: mine.model, source, run_id: mine.run },
  }));

const camel = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
const fullWidth = (text: string) =>
  text.replace(/[0-9]/g, (digit) => String.fromCodePoint((digit.codePointAt(0) ?? 0) + 0xfee0));

/** A request on its way to being twisted: pairs, so that a key may stand twice. */
interface Draft {
  readonly method: string;
  readonly path: string;
  readonly query: readonly (readonly [string, string])[];
  readonly body: readonly (readonly [string, unknown])[] | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Encodes the text of a body; UTF-8 when left out. */
  readonly encode?: (text: string) => Buffer;
}

type Twist = (draft: Draft, swap: (value: unknown) => unknown) => Draft;
type Pairs = readonly (readonly [string, unknown])[];

/** Applies one change to the fields, wherever the request holds them. */
const onFields =
  (change: (pairs: Pairs, swap: (value: unknown) => unknown) => Pairs): Twist =>
  (draft, swap) =>
    draft.body === undefined
      ? {
          ...draft,
          query: change(draft.query, swap).map(([name, value]) => [name, String(value)] as const),
        }
      : { ...draft, body: change(draft.body, swap) };

const onIds = (change: (id: string) => unknown): Twist => {
  // An earlier twist may have made something else of an id.
  const changed = (value: unknown): unknown => (typeof value === 'string' ? change(value) : value);
  return onFields((pairs) =>
    pairs.map(([name, value]) =>
      /id|uuid|name/.test(name)
        ? ([name, Array.isArray(value) ? value.map(changed) : changed(value)] as const)
        : ([name, value] as const),
    ),
  );
};

const onPath =
  (change: (path: string) => string): Twist =>
  (draft) => ({ ...draft, path: change(draft.path) });

const withHeaders =
  (headers: Readonly<Record<string, string>>): Twist =>
  (draft) => ({ ...draft, headers: { ...draft.headers, ...headers } });

/** `%xx` for the character at a place of the path, counted from its end. */
const encodeAt = (path: string, back: number) => {
  const at = Math.max(1, path.length - back);
  return `${path.slice(0, at)}%${(path.codePointAt(at) ?? 0x61).toString(16).padStart(2, '0')}${path.slice(at + 1)}`;
};

/** `swap` gives the attacker's own thing for the victim's: one of each kind in one request. */
const TWISTS: Readonly<Record<string, Twist>> = {
  'camel case': onFields((pairs) => pairs.map(([name, value]) => [camel(name), value])),
  'both spellings, mine first': onFields((pairs, swap) =>
    pairs.flatMap(([name, value]) => [[name, swap(value)] as const, [camel(name), value] as const]),
  ),
  'both spellings, mine last': onFields((pairs, swap) =>
    pairs.flatMap(([name, value]) => [[camel(name), value] as const, [name, swap(value)] as const]),
  ),
  'twice, mine first': onFields((pairs, swap) =>
    pairs.flatMap(([name, value]) => [[name, swap(value)] as const, [name, value] as const]),
  ),
  'twice, mine last': onFields((pairs, swap) =>
    pairs.flatMap(([name, value]) => [[name, value] as const, [name, swap(value)] as const]),
  ),
  'run_id mine beside run_uuid': onFields((pairs, swap) =>
    pairs.flatMap(([name, value]) =>
      name === 'run_id' || name === 'run_uuid'
        ? [['run_id', swap(value)] as const, ['run_uuid', value] as const]
        : [[name, value] as const],
    ),
  ),
  'run_uuid mine beside run_id': onFields((pairs, swap) =>
    pairs.flatMap(([name, value]) =>
      name === 'run_id' || name === 'run_uuid'
        ? [['run_uuid', swap(value)] as const, ['run_id', value] as const]
        : [[name, value] as const],
    ),
  ),
  'an escaped key': (draft) =>
    draft.body === undefined
      ? {
          ...draft,
          query: draft.query.map(([name, value]) => [
            `%${name.charCodeAt(0).toString(16)}${name.slice(1)}`,
            value,
          ]),
        }
      : draft,
  'a list for one': onIds((id) => [id]),
  'an object for one': onIds((id) => ({ id })),
  'a number for text': onIds((id) => (/^\d{1,15}$/.test(id) ? Number(id) : id)),
  'a leading zero': onIds((id) => `0${id}`),
  'a leading space': onIds((id) => ` ${id}`),
  'a trailing space': onIds((id) => `${id} `),
  'a sign': onIds((id) => `+${id}`),
  'an underscore': onIds((id) => id.replace(/^(\d)(\d)/, '$1_$2')),
  'a line end': onIds((id) => `${id}\n`),
  'full-width digits': onIds(fullWidth),
  'a NUL': onIds((id) => `${id}\u0000`),
  'upper case': onIds((id) => id.toUpperCase()),
  'a wrong type before the rest': onFields((pairs) => [['max_results', { a: 1 }], ...pairs]),
  'brackets in keys': onFields((pairs) => pairs.map(([name, value]) => [`${name}[]`, value])),
  'a numbered key': onFields((pairs) => pairs.map(([name, value]) => [`${name}[0]`, value])),
  'the other prefix': onPath((path) => path.replace(/^\/api\//, '/ajax-api/')),
  'the other version': onPath((path) => path.replace('/2.0/', '/3.0/')),
  'a trailing slash': onPath((path) => `${path}/`),
  'two slashes at the start': onPath((path) => `/${path}`),
  'two slashes inside': onPath((path) => path.replace(/\/(?=[^/]*$)/, '//')),
  'a dot segment': onPath((path) => path.replace(/\/(?=[^/]*$)/, '/./')),
  'up and down again': onPath((path) => path.replace(/\/(?=[^/]*$)/, '/x/../')),
  'up and down again, encoded': onPath((path) => path.replace(/\/(?=[^/]*$)/, '/x/%2e%2e/')),
  'past a public prefix': onPath((path) => `/static-files/..${path}`),
  'past a public prefix, encoded': onPath((path) => `/health/%2e%2e${path}`),
  'an encoded slash': onPath((path) => path.replace(/\/(?=[^/]*$)/, '%2f')),
  'an encoded backslash': onPath((path) => path.replace(/\/(?=[^/]*$)/, '%5c')),
  'an encoded letter': onPath((path) => encodeAt(path, 2)),
  'an encoded letter further in': onPath((path) => encodeAt(path, 9)),
  'a doubly encoded letter': onPath((path) => encodeAt(path, 2).replace(/%(?=[^%]*$)/, '%25')),
  'a path parameter': onPath((path) => `${path};x=1`),
  'a NUL in the path': onPath((path) => `${path}%00`),
  'a path in upper case': onPath((path) => path.toUpperCase()),
  'a fragment': onPath((path) => `${path}#x`),
  'an absolute target': onPath((path) => `http://localhost${path}`),
  HEAD: (draft) => ({ ...draft, method: 'HEAD' }),
  'lower case method': (draft) => ({ ...draft, method: draft.method.toLowerCase() }),
  'POST for it': (draft) => ({ ...draft, method: 'POST', body: draft.body ?? draft.query }),
  'the query in a body': (draft) =>
    draft.body === undefined ? { ...draft, body: draft.query, query: [] } : draft,
  'mine in the query, the victim in the body': (draft, swap) => ({
    ...draft,
    query: (draft.body ?? draft.query).map(([name, value]) => [name, String(swap(value))]),
    body: draft.body ?? draft.query,
  }),
  'a method to override': withHeaders({ 'x-http-method-override': 'GET', 'x-method-override': 'GET' }),
  'another address': withHeaders({
    'x-original-url': '/health',
    'x-rewrite-url': '/health',
    'x-forwarded-uri': '/health',
  }),
  'another name': withHeaders({
    remote_user: 'admin',
    'x-remote-user': 'admin',
    'x-forwarded-user': 'admin',
  }),
  'another peer': withHeaders({
    'x-forwarded-for': '127.0.0.1',
    forwarded: 'for=127.0.0.1',
    'x-forwarded-prefix': '/x',
  }),
  'a workspace': withHeaders({ 'x-mlflow-workspace': 'default' }),
  'a header that Connection drops': withHeaders({ connection: 'close, authorization, content-length' }),
  'text/plain': withHeaders({ 'content-type': 'text/plain' }),
  'a form': withHeaders({ 'content-type': 'application/x-www-form-urlencoded' }),
  'an odd content type': withHeaders({ 'content-type': 'application/json\ta' }),
  'UTF-16': (draft) => ({ ...draft, encode: (text) => Buffer.from(`\ufeff${text}`, 'utf16le') }),
  'a byte order mark': (draft) => ({ ...draft, encode: (text) => Buffer.from(`\ufeff${text}`) }),
  'JSON in JSON': (draft) => ({ ...draft, encode: (text) => Buffer.from(JSON.stringify(text)) }),
  'a list around it': (draft) => ({ ...draft, encode: (text) => Buffer.from(`[${text}]`) }),
};

function draftOf({ method, path, fields }: Plain): Draft {
  const pairs = Object.entries(fields);
  return method === 'GET'
    ? {
        method,
        path,
        query: pairs.map(([name, value]) => [name, String(value)]),
        body: undefined,
        headers: {},
      }
    : { method, path, query: [], body: pairs, headers: { 'content-type': 'application/json' } };
}

/** Everything a query must hide from the parser, but what a twist has encoded already. */
const inQuery = (text: string) =>
  encodeURIComponent(text).replaceAll('%25', '%').replaceAll('%5B', '[').replaceAll('%5D', ']');

function written({ method, path, query, body, headers, encode = Buffer.from }: Draft): RawRequest {
  const search = query.map(([name, value]) => `${inQuery(name)}=${encodeURIComponent(value)}`).join('&');
  const text =
    body === undefined
      ? undefined
      : `{${body.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
  return {
    method,
    target: search === '' ? path : `${path}?${search}`,
    headers,
    body: text === undefined ? undefined : encode(text),
  };
}

const basic = ({ username, password }: Person) => ({
  authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
});

describe.each(MLFLOW_VERSIONS)('in front of MLflow %s', (version) => {
  let theirs: Things;
  let mine: Things;

  async function thingsOf(owner: Person, text: string): Promise<Things> {
    const experiment = await createExperiment(owner);
    const run = await createRun(owner, experiment);
    const model = unique('model');
    const done = [
      await owner.post(api('experiments/set-experiment-tag'), {
        experiment_id: experiment,
        key: 'e',
        value: text,
      }),
      await owner.post(api('runs/set-tag'), { run_id: run, key: 't', value: text }),
      await owner.post(api('runs/log-metric'), { run_id: run, key: 'm', value: 1, timestamp: 1 }),
      await owner.send('PUT', `${proxy}/${experiment}/${run}/artifacts/secret.txt`, { raw: text }),
      await owner.send('PUT', `${proxy}/${experiment}/${run}/artifacts/${text}.txt`, { raw: text }),
      await owner.post(api('registered-models/create'), { name: model, description: text }),
      await owner.post(api('model-versions/create'), {
        name: model,
        source: `mlflow-artifacts:/${experiment}/${run}/artifacts`,
        run_id: run,
        description: text,
      }),
    ];
    expect(done.map(({ status }) => status)).toEqual(done.map(() => 200));
    return { experiment, run, model };
  }

  /** Everything of the victim's as the admin sees it. */
  async function stateOf({ experiment, run, model }: Things): Promise<readonly unknown[]> {
    const { admin } = gateway;
    const seen = [
      await admin.get(`${api('experiments/get')}?experiment_id=${experiment}`),
      await admin.post(api('runs/search'), { experiment_ids: [experiment], run_view_type: 'ALL' }),
      await admin.get(`${proxy}?path=${experiment}/${run}/artifacts`),
      await admin.get(`${proxy}/${experiment}/${run}/artifacts/secret.txt`),
      await admin.get(`${api('registered-models/get')}?name=${model}`),
      await admin.get(`${api('model-versions/get')}?name=${model}&version=1`),
    ];
    expect(seen.map(({ status }) => status)).toEqual(seen.map(() => 200));
    return seen.map(({ text }) => text);
  }

  const { gateway, victim, attacker } = useGateway({ version, people: ['victim', 'attacker'] });
  beforeAll(async () => {
    theirs = await thingsOf(victim, CANARY);
    mine = await thingsOf(attacker, 'my-own');
  });

  const isCanaryless = ({ path }: Plain) => path.includes('metrics/get-history');

  test('the owner is shown what is looked for', async () => {
    for (const plain of reads(theirs).filter((each) => !isCanaryless(each))) {
      const request = written(draftOf(plain));
      const answer = await sendRaw(gateway.url, {
        ...request,
        headers: { ...request.headers, ...basic(victim) },
      });
      expect
        .soft(answer.includes(CANARY), `${plain.method} ${plain.path} ${answer.slice(0, 300)}`)
        .toBe(true);
    }
  });

  test('nobody else is, whatever a request looks like, and nothing of it is changed', {
    timeout: 120_000,
  }, async () => {
    const before = await stateOf(theirs);
    const own = new Map<unknown, unknown>([
      [theirs.experiment, mine.experiment],
      [theirs.run, mine.run],
      [theirs.model, mine.model],
    ]);
    const swap = (value: unknown): unknown =>
      Array.isArray(value) ? value.map(swap) : (own.get(value) ?? value);
    const statuses = new Map<number | undefined, number>();

    const plain = fc.constantFrom(
      ...reads(theirs),
      ...writes(theirs),
      ...pointers(mine, theirs),
      // Whatever the attacker's model points at by now.
      ...[1, 2, 3, 4].map((number) => ({
        method: 'GET',
        path: '/model-versions/get-artifact',
        fields: { name: mine.model, version: String(number), path: 'secret.txt' },
      })),
    );
    const twists = fc.array(fc.constantFrom(...Object.keys(TWISTS)), { minLength: 0, maxLength: 2 });
    await fc.assert(
      fc.asyncProperty(plain, twists, fc.boolean(), async (asked, names, signedIn) => {
        const draft = names.reduce((so, name) => TWISTS[name]?.(so, swap) ?? so, draftOf(asked));
        const request = written(draft);
        const answer = await sendRaw(gateway.url, {
          ...request,
          headers: { ...request.headers, ...(signedIn && basic(attacker)) },
        });
        const status = statusOf(answer);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        expect(answer).not.toContain(CANARY);
        expect(status, answer).not.toBe(500);
      }),
      { numRuns: RUNS },
    );
    // Anonymous, forbidden and malformed, and some that are the attacker's right.
    for (const status of [200, 400, 401, 403]) {
      expect(statuses.get(status) ?? 0).toBeGreaterThan(0);
    }
    expect(await stateOf(theirs)).toEqual(before);
  });
});
