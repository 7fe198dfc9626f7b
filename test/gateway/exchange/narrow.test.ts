import { describe, expect, test } from 'vitest';
import { narrowBody } from '../../../src/gateway/exchange/narrow.ts';
import { spellingOf } from '../../../src/mlflow/read/spelling.ts';
import { NOWHERE } from '../../../src/mlflow/things/identifiers.ts';

const readable = ['1', '2'];
const rule = { rule: 'narrow', from: 'body.experiment_ids', kind: 'experiment' } as const;
const narrow = (
  body: string,
  unnamed: 'nothing' | 'all' = 'nothing',
  only: readonly string[] | 'no end' = readable,
) =>
  narrowBody(
    Buffer.from(body),
    { ...rule, unnamed },
    { mayRead: (id) => readable.includes(id), only: only === 'no end' ? undefined : only },
  ).toString('utf8');

describe('a list of ids in a body', () => {
  test('goes on byte for byte if all of it may be read', () => {
    const body = '{ "experiment_ids" : ["1", "2"], "big": 9223372036854775807 }';
    expect(narrow(body)).toBe(body);
  });

  test('loses what may not be read; the rest of the body stays, large numbers too', () => {
    const text = narrow('{"max_results":9223372036854775807,"experiment_ids":["1","3"],"filter":"ä"}');
    expect(text).toBe('{"max_results":9223372036854775807,"experiment_ids":["1"],"filter":"ä"}');
  });

  test('is narrowed under the spelling that the client chose', () => {
    expect(narrow('{"experimentIds":["3","1"]}')).toBe('{"experimentIds":["1"]}');
  });

  test('that comes to nothing is asked for where nothing is', () => {
    expect(narrow('{"experiment_ids":["3"],"filter":"a"}')).toBe(
      `{"experiment_ids":["${NOWHERE}"],"filter":"a"}`,
    );
    expect(narrow('{"experimentIds":["3"]}', 'all')).toBe(`{"experimentIds":["${NOWHERE}"]}`);
  });

  test('may hold numbers, where the reading has let them through; what is left of them is text', () => {
    expect(narrow('{"experiment_ids":[1, "2"]}')).toBe('{"experiment_ids":[1, "2"]}');
    expect(narrow('{"experiment_ids":[3,1,123456789012345678]}')).toBe('{"experiment_ids":["1"]}');
  });

  const UNNAMED = ['{}', '', '{"experiment_ids":null}', '{"experiment_ids":[]}'];

  test.each(UNNAMED)('that is not there in %j goes on so where MLflow takes that for nothing', (body) => {
    expect(narrow(body)).toBe(body);
  });

  test.each(UNNAMED)(
    'that is not there in %j becomes all that may be read where MLflow means all',
    (body) => {
      expect(narrow(body, 'all')).toBe('{"experiment_ids":["1","2"]}');
      expect(narrow(body, 'all', [])).toBe(`{"experiment_ids":["${NOWHERE}"]}`);
      // What has no end, or a very far one, is left to the rows.
      for (const only of ['no end' as const, Array.from({ length: 1001 }, (_, index) => String(index))]) {
        expect(narrow(body, 'all', only)).toBe(body);
      }
    },
  );

  test.each([
    '{"experiment_ids":"1"}',
    '{"experiment_ids":{"0":"1"}}',
    '{"experiment_ids":[1.0]}',
    '{"experiment_ids":[true]}',
    '{"experiment_ids":["01"]}',
    '{"experiment_ids":["1 "]}',
    '{"experiment_ids":[["1"]]}',
    '{"experiment_ids":[null]}',
  ])('is refused where it could be read in two ways: %s', (body) => {
    expect(() => narrow(body)).toThrow(/experiment_ids/);
  });
});

test('a spelling is the proto name, its camel case, or none', () => {
  expect(spellingOf({ run_id: 1 }, 'run_id')).toBe('run_id');
  expect(spellingOf({ runId: 1 }, 'run_id')).toBe('runId');
  expect(spellingOf({ RunId: 1 }, 'run_id')).toBeUndefined();
});
