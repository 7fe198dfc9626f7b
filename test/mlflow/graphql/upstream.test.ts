import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { ApiError } from '../../../src/errors.ts';
import { type GraphqlPlan, planGraphql } from '../../../src/mlflow/graphql/plan.ts';
import { NOWHERE } from '../../../src/mlflow/things/identifiers.ts';
import { NEWEST, OLDEST } from '../../support/mlflow.ts';
import { GET_EXPERIMENT, GET_METRIC_HISTORY, GET_RUN, SEARCH_RUNS } from './documents.ts';
import { type Answer, answersOf, type Body, documentsOf, VERSIONS } from './upstream.ts';

const A = 'a'.repeat(32);
const B = 'b'.repeat(32);

/** Text for one value, and the variables that it brings along. */
interface Part {
  readonly text: string;
  readonly declares?: string;
  readonly sends?: unknown;
}

const literal = (value: unknown) => (Array.isArray(value) ? `[${value.map(String)}]` : String(value));

/** A value of a type as text, as null, or as a variable with or without a default that is or is not sent. */
function valuesOf(type: string, texts: readonly string[], sent: readonly unknown[]): fc.Arbitrary<Part> {
  return fc.oneof(
    fc.constantFrom(...texts).map((text) => ({ text })),
    fc
      .record({
        fallback: fc.constantFrom('', '', ...texts.map((text) => `=${text}`)),
        sends: fc.constantFrom(undefined, undefined, ...sent),
      })
      .map(({ fallback, sends }) => ({ text: '$', declares: `${type}${fallback}`, sends })),
  );
}

const runIds = [`"${A}"`, `"${B}"`, `"""${A}"""`, 'null', '""'];
const oneRun = valuesOf('String', runIds, [A, B, null, '']);
const experimentIds = ['"0"', '"12"', '"\\u0031"', 'null', '"01"'];
const oneExperiment = valuesOf('String', experimentIds, ['0', '12', null, '01']);
const lists = (texts: readonly string[], sent: readonly unknown[]) =>
  valuesOf(
    '[String]',
    [...texts, '[]', literal(texts.slice(0, 2))],
    [...sent, [], sent.slice(0, 2), [sent[0], null]],
  );

const field = (name: string, selection: string, input: fc.Arbitrary<Record<string, Part | undefined>>) =>
  input.map((values) => ({ name, selection, values }));
const optionally = (part: fc.Arbitrary<Part>) => fc.option(part, { nil: undefined, freq: 2 });

const fields = fc.oneof(
  field(
    'mlflowGetRun',
    '{run{info{runId} experiment{experimentId} modelVersions{n:name}}}',
    fc.record({ runId: optionally(oneRun), runUuid: optionally(oneRun) }),
  ),
  field(
    'mlflowListArtifacts',
    '{rootUri}',
    fc.record({ runId: optionally(oneRun), runUuid: optionally(oneRun) }),
  ),
  field('mlflowGetExperiment', '{experiment{name}}', fc.record({ experimentId: optionally(oneExperiment) })),
  field(
    'mlflowGetMetricHistoryBulkInterval',
    '{metrics{key}}',
    fc.record({ runIds: optionally(lists(runIds, [A, B])) }),
  ),
  field(
    'mlflowSearchRuns',
    '{runs{modelVersions{name}}}',
    fc.record({ experimentIds: optionally(lists(experimentIds, ['0', '12'])) }),
  ),
);

/** Bodies with up to three root fields, plain or in fragments, beside an operation that must not run. */
const bodies: fc.Arbitrary<Body> = fc
  .array(fc.tuple(fields, fc.constantFrom('plain', 'inline', 'fragment')), { minLength: 1, maxLength: 3 })
  .chain((roots) => fc.record({ roots: fc.constant(roots), other: fc.boolean(), mutation: fc.boolean() }))
  .map(({ roots, other, mutation }) => {
    const type = mutation ? 'Mutation' : 'Query';
    const declarations: string[] = [];
    const variables: Record<string, unknown> = {};
    const fragments: string[] = [];
    const selections = roots.map(([{ name, selection, values }, place], index) => {
      const input = Object.entries(values).flatMap(([key, part]) => {
        if (!part) {
          return [];
        }
        if (part.declares === undefined) {
          return [`${key}:${part.text}`];
        }
        const variable = `v${declarations.length}`;
        declarations.push(`$${variable}:${part.declares}`);
        if (part.sends !== undefined) {
          variables[variable] = part.sends;
        }
        return [`${key}:$${variable}`];
      });
      const text = `a${index}:${name}(input:{${input}})${selection}`;
      if (place === 'plain') {
        return text;
      }
      if (place === 'inline') {
        return `... on ${type}{${text}}`;
      }
      fragments.push(`fragment F${index} on ${type}{${text}}`);
      return `...F${index}`;
    });
    const operation = `${type.toLowerCase()} Main${declarations.length > 0 ? `(${declarations})` : ''}{${selections.join(' ')}}`;
    const decoy = other
      ? `query Other{mlflowGetExperiment(input:{experimentId:"99"}){experiment{name}}}`
      : '';
    return { query: [decoy, operation, ...fragments].join('\n'), variables, operationName: 'Main' };
  });

const fixed: Body[] = [
  { query: GET_RUN, variables: { data: { runId: A } }, operationName: 'GetRun' },
  { query: SEARCH_RUNS, variables: { data: { experimentIds: ['1', '2'] } } },
  { query: GET_METRIC_HISTORY, variables: { data: { runIds: [A, B], metricKey: 'm' } } },
  { query: GET_EXPERIMENT, variables: { input: { experimentId: '1' } } },
  {
    query: `{mlflowGetRun(input:{runId:"${A}"}){run{modelVersions{v:version n:name} ...R}}} fragment R on MlflowRunExtension{modelVersions{description}}`,
  },
  { query: '{a:mlflowSearchModelVersions(input:{}){b:modelVersions{name:version n:name description}}}' },
  {
    query: 'mutation{mlflowSearchRuns(input:{experimentIds:["1"]}){runs{m:modelVersions{name description}}}}',
  },
  {
    query:
      'mutation($d:[String],$s:String="x"){mlflowSearchDatasets(input:{experimentIds:$d}){datasetSummaries{name}} testMutation(input:{inputString:$s}){output}}',
    variables: { d: ['1', '2'] },
  },
];

function planOrRefusal(body: Body): GraphqlPlan | undefined {
  try {
    return planGraphql({ ...body });
  } catch (error) {
    if (error instanceof ApiError && error.status === 400) {
      return undefined;
    }
    throw error;
  }
}

describe.each(VERSIONS)('MLflow %s', (version) => {
  const planned = [...fixed, ...fc.sample(bodies, { numRuns: 1_500, seed: 20_261 })].flatMap((body) => {
    const plan = planOrRefusal(body);
    return plan ? [{ body, plan }] : [];
  });
  let cases: { body: Body; plan: GraphqlPlan; answer: Answer }[] = [];

  beforeAll(() => {
    const answers = answersOf(
      version,
      planned.map(({ body }) => body),
    );
    cases = planned.flatMap((one, index) => {
      const answer = answers[index];
      return answer ? [{ ...one, answer }] : [];
    });
  }, 120_000);

  test('reads nothing but what was named to be judged', () => {
    // Enough of the bodies have to be accepted, or this proves nothing.
    expect(cases.length).toBeGreaterThan(300);
    for (const { body, plan, answer } of cases) {
      const judged = plan.references.map(({ kind, id }) => `${kind} ${id}`).sort();
      // A field that this version lacks makes it read nothing.
      if (answer.data !== null && answer.errors === null) {
        expect(answer.reads, body.query).toEqual(judged);
      } else {
        expect(judged, body.query).toEqual(expect.arrayContaining(answer.reads));
      }
    }
    expect(
      cases.filter(({ answer }) => answer.errors === null && answer.reads.length > 0).length,
    ).toBeGreaterThan(100);
  });

  test('reads of a list that was cut down what is left of it, whatever the list was written as', () => {
    const readable = (id: string) => id === '0' || id === '1';
    const cut = cases.filter(({ plan, answer }) => {
      const listed = plan.references.filter((reference) => reference.listed);
      return answer.errors === null && listed.some(({ id }) => !readable(id));
    });
    expect(cut.length).toBeGreaterThan(10);
    const narrowed = cut.map(({ body, plan }) => ({ ...body, query: plan.narrowed(readable) }));
    for (const [index, answer] of answersOf(version, narrowed).entries()) {
      const { body, plan, answer: before } = cut[index] as (typeof cut)[number];
      const left = plan.references.filter(({ id, listed }) => !listed || readable(id));
      const reads = new Set(answer.reads);
      const isEmptied = reads.delete(`experiment ${NOWHERE}`);
      expect([...reads].sort(), body.query).toEqual(left.map(({ kind, id }) => `${kind} ${id}`).sort());
      expect(isEmptied || left.length > 0, body.query).toBe(true);
      expect([Object.keys(answer.data ?? {}), answer.errors], narrowed[index]?.query).toEqual([
        Object.keys(before.data ?? {}),
        null,
      ]);
    }
  }, 120_000);

  test('gives answers from which every version of an unreadable model can be taken', () => {
    const filtered = cases.filter(
      ({ plan, answer }) => plan.filters && JSON.stringify(answer.data).includes('secret'),
    );
    expect(filtered.length).toBeGreaterThan(50);
    for (const { body, plan, answer } of filtered) {
      const kept = JSON.stringify(plan.keep(answer, (name) => name === 'open'));
      expect(kept, body.query).not.toContain('secret');
      expect(kept, body.query).toContain('open');
      expect(plan.keep(answer, () => true)).toEqual(answer);
    }
    const unfiltered = cases
      .filter(({ plan }) => !plan.filters)
      .map(({ answer }) => JSON.stringify(answer.data));
    expect(unfiltered.join()).not.toContain('secret');
  });
});

test.each([
  [OLDEST, []],
  [NEWEST, [GET_EXPERIMENT, GET_METRIC_HISTORY, GET_RUN, SEARCH_RUNS]],
] as const)('the interface of MLflow %s sends the documents known here and no others', (version, known) => {
  const trimmed = (documents: readonly string[]) =>
    [...new Set(documents.map((document) => document.trim()))].sort();
  expect(trimmed(documentsOf(version))).toEqual(trimmed(known));
});
