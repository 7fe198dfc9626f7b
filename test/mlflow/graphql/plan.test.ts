import { getIntrospectionQuery } from 'graphql';
import { describe, expect, test } from 'vitest';
import { ApiError } from '../../../src/errors.ts';
import { planGraphql } from '../../../src/mlflow/graphql/plan.ts';
import { NOWHERE } from '../../../src/mlflow/things/identifiers.ts';
import { GET_EXPERIMENT, GET_METRIC_HISTORY, GET_RUN, SEARCH_RUNS } from './documents.ts';

const A = 'a'.repeat(32);
const B = 'b'.repeat(32);

const referencesOf = (body: Record<string, unknown>) =>
  planGraphql(body).references.map(({ kind, id }) => `${kind} ${id}`);

function refusalOf(body: Record<string, unknown>): ApiError {
  try {
    planGraphql(body);
  } catch (error) {
    if (error instanceof ApiError) {
      return error;
    }
    throw error;
  }
  throw new Error('It was let through.');
}

describe('the documents of MLflow’s own interface', () => {
  test.each([
    ['GetRun', GET_RUN, { data: { runId: A } }, [`run ${A}`], true],
    [
      'SearchRuns',
      SEARCH_RUNS,
      { data: { experimentIds: ['1', '2'], filter: 'x' } },
      ['experiment 1', 'experiment 2'],
      true,
    ],
    [
      'GetMetricHistoryBulkInterval',
      GET_METRIC_HISTORY,
      { data: { runIds: [A, B], metricKey: 'm', startStep: null, endStep: null, maxResults: 320 } },
      [`run ${A}`, `run ${B}`],
      false,
    ],
    ['MlflowGetExperimentQuery', GET_EXPERIMENT, { input: { experimentId: '1' } }, ['experiment 1'], false],
  ])('%s passes', (operationName, query, variables, references, filters) => {
    const body = { operationName, query, variables };
    expect(referencesOf(body)).toEqual(references);
    expect(planGraphql(body).filters).toBe(filters);
  });
});

describe('what an operation reads', () => {
  test.each<[string, Record<string, unknown>, string[]]>([
    [
      'an id in the text',
      { query: '{mlflowGetExperiment(input:{experimentId:"0"}){experiment{name}}}' },
      ['experiment 0'],
    ],
    [
      'an id in a block string',
      { query: `{mlflowGetRun(input:{runId:"""\n  ${A}\n"""}){run{info{runId}}}}` },
      [`run ${A}`],
    ],
    [
      'an escaped id',
      { query: '{mlflowGetExperiment(input:{experimentId:"\\u0031"}){experiment{name}}}' },
      ['experiment 1'],
    ],
    [
      'the older name of a run id',
      { query: `{mlflowGetRun(input:{runUuid:"${A}"}){run{info{runId}}}}` },
      [`run ${A}`],
    ],
    [
      'both names of a run id that agree',
      { query: `{mlflowListArtifacts(input:{runId:"${A}",runUuid:"${A}",path:"x"}){rootUri}}` },
      [`run ${A}`],
    ],
    [
      'a null beside an id',
      { query: `{mlflowGetRun(input:{runId:null,runUuid:"${A}"}){run{info{runId}}}}` },
      [`run ${A}`],
    ],
    [
      'a variable',
      {
        query: 'query($id:String){mlflowGetExperiment(input:{experimentId:$id}){experiment{name}}}',
        variables: { id: '5' },
      },
      ['experiment 5'],
    ],
    [
      'the default of a variable',
      { query: 'query($id:String="6"){mlflowGetExperiment(input:{experimentId:$id}){experiment{name}}}' },
      ['experiment 6'],
    ],
    [
      'a value over the default of a variable',
      {
        query: 'query($id:String="6"){mlflowGetExperiment(input:{experimentId:$id}){experiment{name}}}',
        variables: { id: '7' },
      },
      ['experiment 7'],
    ],
    [
      'the default of a whole input',
      {
        query:
          'query($in:MlflowGetExperimentInput={experimentId:"8"}){mlflowGetExperiment(input:$in){experiment{name}}}',
        variables: null,
      },
      ['experiment 8'],
    ],
    [
      'a variable called like something every object has',
      {
        query:
          'query($constructor:String="9"){mlflowGetExperiment(input:{experimentId:$constructor}){experiment{name}}}',
        variables: {},
      },
      ['experiment 9'],
    ],
    [
      'a single id in the place of a list',
      { query: '{mlflowSearchRuns(input:{experimentIds:"3"}){nextPageToken}}' },
      ['experiment 3'],
    ],
    [
      'a list with a variable in it, as a mutation',
      {
        query: 'mutation($b:String){mlflowSearchRuns(input:{experimentIds:["3",$b]}){nextPageToken}}',
        variables: { b: '4' },
      },
      ['experiment 3', 'experiment 4'],
    ],
    [
      'datasets',
      { query: 'mutation{mlflowSearchDatasets(input:{experimentIds:["3"]}){datasetSummaries{name}}}' },
      ['experiment 3'],
    ],
    [
      'an empty list, which reads nothing',
      { query: '{mlflowSearchRuns(input:{experimentIds:[]}){nextPageToken}}' },
      [],
    ],
    ['an absent list, which reads nothing', { query: '{mlflowSearchRuns(input:{}){nextPageToken}}' }, []],
    [
      'every field under every alias, each thing once',
      {
        query: `{a:mlflowGetRun(input:{runId:"${A}"}){run{info{runId}}} b:mlflowGetRun(input:{runId:"${B}"}){run{info{runId}}}
          c:mlflowGetRun(input:{runUuid:"${A}"}){run{info{runId}}} mlflowGetExperiment(input:{experimentId:"1"}){experiment{name}}}`,
      },
      [`run ${A}`, `run ${B}`, 'experiment 1'],
    ],
    [
      'fields in fragments, named, nested and inline',
      {
        query: `{...F ... on Query{a:mlflowGetRun(input:{runId:"${A}"}){run{info{runId}}}}}
          fragment F on Query{...G} fragment G on Query{mlflowGetExperiment(input:{experimentId:"1"}){experiment{name}}}`,
      },
      [`run ${A}`, 'experiment 1'],
    ],
    [
      'the operation that was chosen, and no other',
      {
        query: `query X{mlflowGetExperiment(input:{experimentId:"1"}){experiment{name}}}
          query Y{mlflowGetExperiment(input:{experimentId:"2"}){experiment{name}}}`,
        operationName: 'Y',
      },
      ['experiment 2'],
    ],
    ['a null operationName', { query: '{__typename}', operationName: null, variables: null }, []],
    ['the echo of a text', { query: '{test(inputString:"x"){output}}' }, []],
    ['introspection', { query: '{__schema{types{name}} __type(name:"Query"){name}}' }, []],
  ])('%s', (_what, body, references) => {
    expect(referencesOf(body)).toEqual(references);
  });

  test('is that of the chosen operation also when another of the same document came before', () => {
    const query = 'query X{mlflowSearchRuns(input:{experimentIds:"1"}){nextPageToken}} query Y{__typename}';
    expect(referencesOf({ query, operationName: 'Y' })).toEqual([]);
    expect(referencesOf({ query, operationName: 'X' })).toEqual(['experiment 1']);
    expect(refusalOf({ query }).status).toBe(400);
  });

  test('is worked out anew for each call, although the document is read once', () => {
    const query = 'query($id:String){mlflowGetExperiment(input:{experimentId:$id}){experiment{name}}}';
    expect(referencesOf({ query, variables: { id: '1' } })).toEqual(['experiment 1']);
    expect(referencesOf({ query, variables: { id: '2' } })).toEqual(['experiment 2']);
    expect(refusalOf({ query }).status).toBe(400);
  });
});

describe('refused with 400', () => {
  const run = (input: string) => ({ query: `{mlflowGetRun(input:${input}){run{info{runId}}}}` });
  const experiment = (id: string) => ({
    query: 'query($id:String){mlflowGetExperiment(input:{experimentId:$id}){experiment{name}}}',
    variables: { id },
  });

  test.each<[string, Record<string, unknown>, RegExp]>([
    ['no query', {}, /query/],
    ['a query that is no text', { query: ['{__typename}'] }, /query/],
    ['half a character in the query', { query: '{__typename #\ud800\n}' }, /query/],
    ['an unknown key', { query: '{__typename}', extensions: {} }, /only/],
    ['a second spelling of a key', { query: '{__typename}', operation_name: 'X' }, /only/],
    ['variables that are a list', { query: '{__typename}', variables: [] }, /variables/],
    ['variables that are a text', { query: '{__typename}', variables: '{}' }, /variables/],
    ['an operationName that is no text', { query: '{__typename}', operationName: 1 }, /operationName/],
    ['an empty operationName', { query: '{__typename}', operationName: '' }, /no operation/],
    [
      'an operationName that is nowhere',
      { query: 'query X{__typename}', operationName: 'Y' },
      /no operation/,
    ],
    [
      'several operations and no operationName',
      { query: 'query X{__typename} query Y{__typename}' },
      /operationName/,
    ],
    ['no operation at all', { query: 'fragment F on Query{__typename}' }, /./],
    ['an empty text', { query: '' }, /./],
    ['a syntax error', { query: '{' }, /./],
    ['a type definition', { query: '{__typename} type T{a:Int}' }, /./],
    ['a subscription', { query: 'subscription{test{output}}' }, /./],
    ['an unknown field', { query: '{mlflowDeleteRun(input:{runId:"a"}){run}}' }, /mlflowDeleteRun/],
    [
      'an unknown field deep down',
      { query: `{mlflowGetRun(input:{runId:"${A}"}){run{secrets}}}` },
      /secrets/,
    ],
    [
      'the snake-case name of a field',
      { query: `{mlflowGetRun(input:{run_id:"${A}"}){run{info{runId}}}}` },
      /run_id/,
    ],
    ['@skip, which MLflow does not know', { query: '{test @skip(if:true){output}}' }, /skip/],
    ['@include', { query: '{test @include(if:true){output}}' }, /include/],
    ['@defer', { query: '{test{...@defer{output}}}' }, /defer/],
    ['a variable that nobody uses', { query: 'query($a:String){__typename}' }, /./],
    ['a variable that nobody declares', { query: '{test(inputString:$a){output}}' }, /./],
    ['a fragment that contains itself', { query: '{...F} fragment F on Query{__typename ...F}' }, /./],
    [
      'one key with two meanings',
      { query: '{a:test(inputString:"x"){output} a:test(inputString:"y"){output}}' },
      /./,
    ],
    [
      'an id that is a number',
      { query: '{mlflowGetExperiment(input:{experimentId:1}){experiment{name}}}' },
      /./,
    ],
    ['a variable of another type', { ...experiment('1'), variables: { id: 1 } }, /\$id/],
    [
      'an unknown field in a variable',
      { query: GET_EXPERIMENT, variables: { input: { experimentId: '1', experiment_id: '2' } } },
      /input/,
    ],
    ['a variable that is needed and null', { query: GET_RUN, variables: { data: null } }, /\$data/],
    ['a variable that is needed and absent', { query: GET_RUN }, /\$data/],
    ['no input', { query: '{mlflowGetRun{run{info{runId}}}}' }, /needs an input/],
    ['a null input', run('null'), /needs an input/],
    ['no run id', run('{}'), /needs runId or runUuid/],
    ['a null run id', run('{runId:null}'), /needs runId or runUuid/],
    ['an empty run id', run('{runId:""}'), /no run/],
    ['an empty run id before another', run(`{runId:"",runUuid:"${A}"}`), /no run/],
    ['two run ids that differ', run(`{runId:"${A}",runUuid:"${B}"}`), /differ/],
    ['a run id in capitals', run(`{runId:"${'A'.repeat(32)}"}`), /no run/],
    ['an experiment id with a leading zero', experiment('01'), /no experiment/],
    ['an experiment id with a space', experiment(' 1'), /no experiment/],
    ['an experiment id with a line break', experiment('1\n'), /no experiment/],
    ['an experiment id in full-width digits', experiment('１'), /no experiment/],
    ['an experiment id with an underscore', experiment('1_0'), /no experiment/],
    [
      'a null in a list',
      { query: '{mlflowSearchRuns(input:{experimentIds:["1",null]}){nextPageToken}}' },
      /no experiment/,
    ],
    [
      'an alias that hides in a prototype',
      { query: '{__proto__:test(inputString:"x"){output}}' },
      /underscores/,
    ],
    [
      'model versions without their name',
      { query: '{mlflowSearchModelVersions(input:{}){modelVersions{version source}}}' },
      /select `name`/,
    ],
    [
      'a search of model versions that is cut into pages',
      { query: '{mlflowSearchModelVersions(input:{filter:"x",maxResults:1}){nextPageToken}}' },
      /without maxResults/,
    ],
    [
      'a search of model versions that begins somewhere, by a variable',
      {
        query:
          'query($i:MlflowSearchModelVersionsInput){mlflowSearchModelVersions(input:$i){modelVersions{name}}}',
        variables: { i: { pageToken: 'eyJvZmZzZXQiOiAxfQ==' } },
      },
      /without pageToken/,
    ],
    [
      'a search of model versions that is cut by a default',
      {
        query:
          'query($n:LongString=1){mlflowSearchModelVersions(input:{maxResults:$n}){modelVersions{name}}}',
      },
      /without maxResults/,
    ],
    [
      'model versions with something else under that name',
      { query: '{mlflowSearchModelVersions(input:{}){modelVersions{name:description}}}' },
      /select `name`/,
    ],
    [
      'model versions of a run without their name, in a fragment',
      {
        query: `query($r:MlflowGetRunInput!){mlflowGetRun(input:$r){run{...R}}} fragment R on MlflowRunExtension{modelVersions{source}}`,
        variables: { r: { runId: A } },
      },
      /select `name`/,
    ],
  ])('%s', (_what, body, message) => {
    const refusal = refusalOf(body);
    expect(refusal.status).toBe(400);
    expect(refusal.code).toBe('INVALID_PARAMETER_VALUE');
    expect(refusal.message).toMatch(message);
  });
});

describe('filtering the answer', () => {
  const open = (name: string) => name === 'open';
  const rows = (key: string) => [{ [key]: 'open' }, { [key]: 'secret' }, { [key]: null }, {}, null, 'secret'];

  test.each<[string, string, unknown, unknown]>([
    [
      'a search',
      '{mlflowSearchModelVersions(input:{}){modelVersions{name} nextPageToken}}',
      { mlflowSearchModelVersions: { modelVersions: rows('name'), nextPageToken: 't' } },
      { mlflowSearchModelVersions: { modelVersions: [{ name: 'open' }], nextPageToken: 't' } },
    ],
    [
      'everything under aliases, the name too',
      '{a:mlflowSearchModelVersions(input:{}){b:modelVersions{name:version c:name}}}',
      {
        a: {
          b: [
            { name: 'open', c: 'secret' },
            { name: 'secret', c: 'open' },
          ],
        },
      },
      { a: { b: [{ name: 'secret', c: 'open' }] } },
    ],
    [
      'a run, its model versions asked for in two places',
      `{mlflowGetRun(input:{runId:"${A}"}){run{modelVersions{version} ...R} run{info{runId}}}}
        fragment R on MlflowRunExtension{... on MlflowRunExtension{modelVersions{name}}}`,
      { mlflowGetRun: { run: { info: { runId: A }, modelVersions: rows('name') } } },
      { mlflowGetRun: { run: { info: { runId: A }, modelVersions: [{ name: 'open' }] } } },
    ],
    [
      'each run of a search',
      '{mlflowSearchRuns(input:{experimentIds:"1"}){runs{m:modelVersions{name} n:modelVersions{x:name}}}}',
      {
        mlflowSearchRuns: {
          runs: [
            { m: rows('name'), n: rows('x') },
            { m: null, n: [] },
          ],
        },
      },
      {
        mlflowSearchRuns: {
          runs: [
            { m: [{ name: 'open' }], n: [{ x: 'open' }] },
            { m: null, n: [] },
          ],
        },
      },
    ],
    [
      'a field that failed',
      '{mlflowSearchModelVersions(input:{}){modelVersions{name}}}',
      { mlflowSearchModelVersions: null },
      { mlflowSearchModelVersions: null },
    ],
    [
      'an answer of another shape',
      '{mlflowSearchModelVersions(input:{}){modelVersions{name}}}',
      { mlflowSearchModelVersions: { modelVersions: 'secret' } },
      { mlflowSearchModelVersions: { modelVersions: null } },
    ],
  ])('%s', (_what, query, data, kept) => {
    const plan = planGraphql({ query });
    expect(plan.filters).toBe(true);
    const reply = { data, errors: ['left as it is'] };
    const before = structuredClone(reply);
    expect(plan.keep(reply, open)).toEqual({ data: kept, errors: ['left as it is'] });
    expect(reply).toEqual(before);
  });

  test('leaves an answer without data alone', () => {
    const plan = planGraphql({ query: '{mlflowSearchModelVersions(input:{}){modelVersions{name}}}' });
    expect(plan.keep({ data: null, errors: ['no'] }, open)).toEqual({ data: null, errors: ['no'] });
  });

  test('hands back an answer without model versions as it came', () => {
    const plan = planGraphql({ query: '{test{output}}' });
    const reply = { data: { test: { output: null } }, errors: null };
    expect(plan.filters).toBe(false);
    expect(plan.keep(reply, () => false)).toBe(reply);
  });
});

describe('a list of experiments of which one may not be read', () => {
  const narrowed = (query: string, variables: unknown = {}) =>
    planGraphql({ query, variables, operationName: 'M' })
      .narrowed((id) => id === '1')
      .replaceAll(/\s+/g, ' ');

  test('is cut down in the document, wherever it stood, and nothing unused is left', () => {
    for (const [query, variables] of [
      ['query M{mlflowSearchRuns(input:{experimentIds:["1","2"]}){nextPageToken}}', {}],
      ['query M($i:[String]){mlflowSearchRuns(input:{experimentIds:$i}){nextPageToken}}', { i: ['1', '2'] }],
      ['query M($e:String){mlflowSearchRuns(input:{experimentIds:["1",$e]}){nextPageToken}}', { e: '2' }],
      [
        'query M($d:MlflowSearchRunsInput!){mlflowSearchRuns(input:$d){nextPageToken}}',
        { d: { experimentIds: ['1', '2'] } },
      ],
      [
        'query M($d:MlflowSearchRunsInput={experimentIds:["2","1"]}){mlflowSearchRuns(input:$d){nextPageToken}}',
        {},
      ],
      [
        'query M{...F} fragment F on Query{mlflowSearchRuns(input:{experimentIds:["1","2"]}){nextPageToken}} query N{__typename}',
        {},
      ],
    ] as const) {
      const text = narrowed(query, variables);
      // The schema's own default for the view stands beside it.
      expect(text).toMatch(/mlflowSearchRuns\(input: \{ experimentIds: \["1"\](?:, runViewType: null)? \}\)/);
      expect(text).not.toMatch(/\$|query N/);
      expect(planGraphql({ query: text, operationName: 'M' }).references).toEqual([
        { kind: 'experiment', id: '1', listed: true },
      ]);
    }
  });

  test('leaves the rest of its input as it was', () => {
    const input = {
      experimentIds: ['2', '1'],
      filter: 'a = "b\\"',
      orderBy: ['x DESC'],
      maxResults: 3,
      runViewType: 'ALL',
    };
    const text = narrowed(
      'query M($d:MlflowSearchRunsInput!){a:mlflowSearchRuns(input:$d){nextPageToken} b:mlflowSearchRuns(input:{experimentIds:"1"}){nextPageToken}}',
      { d: input },
    );
    expect(text).toContain('filter: "a = \\"b\\\\\\""');
    expect(text).toContain('runViewType: ALL');
    expect(text).toContain('maxResults: 3');
    expect(text).toContain('b: mlflowSearchRuns(input: { experimentIds: "1" })');
  });

  test('is asked for where nothing is if none may', () => {
    expect(narrowed('query M{mlflowSearchRuns(input:{experimentIds:"2"}){nextPageToken}}')).toContain(
      `experimentIds: ["${NOWHERE}"]`,
    );
  });

  test('is no list any more for an experiment that is named beside it', () => {
    const { references } = planGraphql({
      query:
        '{mlflowSearchRuns(input:{experimentIds:"2"}){nextPageToken} mlflowGetExperiment(input:{experimentId:"2"}){experiment{name}}}',
    });
    expect(references).toEqual([{ kind: 'experiment', id: '2' }]);
  });
});

test('a denied operation is answered with a null under every key, and a reason among the errors', () => {
  const plan = planGraphql({
    query: `{x:mlflowGetRun(input:{runId:"${A}"}){run{info{runId}}} ...F} fragment F on Query{test{output}}`,
  });
  expect(plan.refusal('Permission denied. No.')).toEqual({
    data: { x: null, test: null },
    errors: ['Permission denied. No.'],
  });
});

describe('exhaustion', () => {
  const times = (count: number, part: (index: number) => string) =>
    Array.from({ length: count }, (_, index) => part(index)).join(' ');
  /** `levels` selection sets, one in the other, by way of introspection. */
  const nested = (levels: number) =>
    `{__schema{queryType{${'ofType{'.repeat(levels - 3)}name${'}'.repeat(levels - 3)}}}}`;

  test.each<[string, string, string, RegExp]>([
    ['ten root fields', times(10, () => '__typename'), times(11, () => '__typename'), /10 root fields/],
    [
      'ten aliases at one level',
      `test{${times(10, (i) => `a${i}:output`)}}`,
      `test{${times(11, (i) => `a${i}:output`)}}`,
      /10 aliases/,
    ],
    [
      'ten aliases at one level, also over fragments',
      `test{${times(10, (i) => `...{a${i}:output}`)}}`,
      `test{${times(11, (i) => `...{a${i}:output}`)}}`,
      /10 aliases/,
    ],
    [
      'a thousand selections',
      times(10, (i) => `a${i}:test{${times(99, () => 'output')}}`),
      times(10, (i) => `a${i}:test{${times(i === 0 ? 100 : 99, () => 'output')}}`),
      /1000 selections/,
    ],
  ])('%s pass, one more does not', (_what, passes, fails, message) => {
    expect(referencesOf({ query: `{${passes}}` })).toEqual([]);
    expect(refusalOf({ query: `{${fails}}` }).message).toMatch(message);
  });

  test('a thousand experiments pass, one more does not', () => {
    const search = (count: number) => ({
      query: SEARCH_RUNS,
      variables: { data: { experimentIds: Array.from({ length: count }, (_, index) => String(index)) } },
    });
    expect(referencesOf(search(1_000))).toHaveLength(1_000);
    expect(refusalOf(search(1_001)).message).toMatch(/1000 experiments and runs/);
  });

  test('ten levels pass, eleven do not', () => {
    expect(referencesOf({ query: nested(10) })).toEqual([]);
    expect(refusalOf({ query: nested(11) }).message).toMatch(/10 levels/);
  });

  test.each<[string, string, RegExp]>([
    ['root fields over several operations', times(11, (i) => `query Q${i}{__typename}`), /10 root fields/],
    ['a long text', `{__typename}${' '.repeat(50_000)}`, /50000/],
    [
      'many tokens',
      `{mlflowSearchModelVersions(input:{maxResults:[${times(4_000, () => '1')}]}){nextPageToken}}`,
      /4000 tokens/,
    ],
    ['many comments', `{__typename}${'#\n'.repeat(1_000)}`, /500 comments/],
    ['lists in lists', `{mlflowSearchModelVersions(input:{maxResults:${'['.repeat(3_900)}`, /./],
    ['selections in selections', '{a'.repeat(1_900), /./],
    [
      'fragments that multiply',
      `{...F0} ${times(9, (i) => `fragment F${i} on Query{${times(3, () => `__schema{...F${i + 1}}`)}}`)} fragment F9 on Query{__typename}`,
      /1000 selections/,
    ],
    [
      'fields in a fragment that nobody uses',
      `{__typename} fragment F on Test{${times(3_900, () => 'output')}}`,
      /1000 selections/,
    ],
    ['the introspection of tools, which MLflow 3 refuses too', getIntrospectionQuery(), /10 levels/],
  ])(
    '%s: refused, and soon',
    (_what, query, message) => {
      const refusal = refusalOf({ query });
      expect(refusal.status).toBe(400);
      expect(refusal.message).toMatch(message);
    },
    2_000,
  );
});
