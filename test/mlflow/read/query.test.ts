import { describe, expect, test } from 'vitest';
import { queryShapeOf, type Shape, shapeOf } from '../../../src/mlflow/read/fields.ts';
import { readQuery } from '../../../src/mlflow/read/query.ts';

function shape(operation: string): Shape {
  const found = queryShapeOf(operation) ?? shapeOf(operation);
  if (!found) {
    throw new Error(`no shape for ${operation}`);
  }
  return found;
}

const getRun = shape('GET 2.0 runs/get');
const searchExperiments = shape('GET 2.0 experiments/search');
const bulk = shape('GET ajax 2.0 metrics/get-history-bulk');
const getTrace = shape('GET 3.0 traces/get');

describe('a query is read as its parameters', () => {
  test.each<[string, Shape | undefined, Record<string, string[]>]>([
    ['', getRun, {}],
    ['run_id=a', getRun, { run_id: ['a'] }],
    ['run_id=', getRun, { run_id: [''] }],
    ['run_id', getRun, { run_id: [''] }],
    ['run_id=a+b%20c%2B', getRun, { run_id: ['a b c+'] }],
    ['run_id=%C3%A9%F0%9F%98%80', getRun, { run_id: ['é😀'] }],
    ['run%5fid=a', getRun, { run_id: ['a'] }],
    ['filter=a=b', searchExperiments, { filter: ['a=b'] }],
    ['filter=a%3Bb', searchExperiments, { filter: ['a;b'] }],
    ['max_results=10&view_type=ALL', searchExperiments, { max_results: ['10'], view_type: ['ALL'] }],
    ['order_by=b&order_by=a', searchExperiments, { order_by: ['b', 'a'] }],
    ['run_id=a&run_id=b&metric_key=k', bulk, { run_id: ['a', 'b'], metric_key: ['k'] }],
    ['allow_partial=true', getTrace, { allow_partial: ['true'] }],
    ['unknown=1&other.name=2', getRun, { unknown: ['1'], 'other.name': ['2'] }],
    ['v=1', undefined, { v: ['1'] }],
  ])('%j', (raw, declared, expected) => {
    expect(Object.fromEntries(readQuery(raw, declared))).toEqual(expected);
  });
});

describe('what MLflow 2.15.1 and 3.x read differently is refused', () => {
  test.each<[string, string, Shape | undefined, RegExp]>([
    ['a repeated parameter', 'run_id=a&run_id=b', getRun, /'run_id' must be sent once/],
    ['a repeated parameter in another encoding', 'run_id=a&run%5Fid=b', getRun, /sent once/],
    ['a repeated unknown parameter', 'x=1&x=2', getRun, /'x' must be sent once/],
    ['a repeated parameter where none is declared', 'x=1&x=2', undefined, /sent once/],
    ['the other spelling', 'runId=a', getRun, /'runId' as 'run_id'/],
    ['both spellings', 'run_id=a&runId=b', getRun, /'runId' as 'run_id'/],
    ['brackets', 'run_id[]=a', getRun, /plain word/],
    ['encoded brackets', 'run_id%5B0%5D=a', getRun, /plain word/],
    ['brackets that 2.15.1 fills in', 'run_id=a%5B%5D', getRun, /brackets/],
    ['a semicolon', 'run_id=a;run_id=b', getRun, /%3B/],
    ['an empty parameter', 'run_id=a&&b=c', getRun, /empty/],
    ['a trailing ampersand', 'run_id=a&', getRun, /empty/],
    ['a parameter without a name', '=a', getRun, /plain word/],
    ['a number for a name', '0=a', getRun, /plain word/],
    ['a control character in a name', 'run_id%00=a', getRun, /plain word/],
    ['a line feed behind a name', 'run_id%0A=a', getRun, /plain word/],
    ['a plus before a name', '+run_id=a', getRun, /plain word/],
    ['a name beyond ASCII', '%C3%A9=a', getRun, /plain word/],
    ['a bad encoding', 'run_id=%zz', getRun, /%/],
    ['a value that is not UTF-8', 'run_id=%FF', getRun, /UTF-8/],
    ['an encoded surrogate', 'run_id=%ED%A0%80', getRun, /UTF-8/],
    ['text for an integer', 'max_results=ten', searchExperiments, /'max_results': expected a 64-bit integer/],
    ['nothing for an integer', 'max_results=', searchExperiments, /integer/],
    ['a blank before an integer', 'max_results=+1', searchExperiments, /integer/],
    ['a fraction for an integer', 'max_results=1.0', searchExperiments, /integer/],
    ['an underscore in an integer', 'max_results=1_0', searchExperiments, /integer/],
    ['digits of another script', 'max_results=%EF%BC%91', searchExperiments, /integer/],
    ['an integer too large', 'max_results=9223372036854775808', searchExperiments, /integer/],
    [
      'an unknown name of an enum',
      'view_type=ODD',
      searchExperiments,
      /one of ACTIVE_ONLY, ALL, DELETED_ONLY/,
    ],
    ['the number of an enum', 'view_type=1', searchExperiments, /one of/],
    ['another spelling of a bool', 'allow_partial=yes', getTrace, /true or false/],
    ['a message', 'locations=x', shape('POST 3.0 traces/search'), /cannot be sent in the query/],
  ])('%s', (_what, raw, declared, message) => {
    expect(() => readQuery(raw, declared)).toThrow(
      expect.objectContaining({ status: 400, message: expect.stringMatching(message) }),
    );
  });
});
