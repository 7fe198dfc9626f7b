import { describe, expect, test } from 'vitest';
import { narrowBody } from '../../../src/gateway/exchange/narrow.ts';
import { spellingOf } from '../../../src/mlflow/read/spelling.ts';

const readable = new Set(['1', '2']);
const narrow = (body: string) => {
  const { bytes, empty } = narrowBody(Buffer.from(body), 'body.experiment_ids', 'experiment', (id) =>
    readable.has(id),
  );
  return { text: bytes.toString('utf8'), empty };
};

describe('a list of ids in a body', () => {
  test('goes on byte for byte if all of it may be read', () => {
    const body = '{ "experiment_ids" : ["1", "2"], "big": 9223372036854775807 }';
    expect(narrow(body)).toEqual({ text: body, empty: false });
  });

  test('loses what may not be read; the rest of the body stays, large numbers too', () => {
    const { text, empty } = narrow(
      '{"max_results":9223372036854775807,"experiment_ids":["1","3"],"filter":"ä"}',
    );
    expect(text).toBe('{"max_results":9223372036854775807,"experiment_ids":["1"],"filter":"ä"}');
    expect(empty).toBe(false);
  });

  test('is narrowed under the spelling that the client chose', () => {
    expect(narrow('{"experimentIds":["3","1"]}').text).toBe('{"experimentIds":["1"]}');
  });

  test.each(['{}', '', '{"experiment_ids":null}', '{"experiment_ids":[]}', '{"experiment_ids":["3"]}'])(
    'that comes to nothing in %j leaves nothing to ask',
    (body) => {
      expect(narrow(body).empty).toBe(true);
    },
  );

  test.each([
    '{"experiment_ids":"1"}',
    '{"experiment_ids":{"0":"1"}}',
    '{"experiment_ids":[1]}',
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
