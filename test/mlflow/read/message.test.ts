import { describe, expect, test } from 'vitest';
import { type Shape, shapeOf } from '../../../src/mlflow/read/fields.ts';
import { readJson } from '../../../src/mlflow/read/json.ts';
import { readMessage } from '../../../src/mlflow/read/message.ts';
import { createWritten } from '../../../src/mlflow/read/written.ts';

function shape(operation: string): Shape {
  const found = shapeOf(operation);
  if (!found) {
    throw new Error(`no shape for ${operation}`);
  }
  return found;
}

const read = (operation: string, json: string) => readMessage(readJson(Buffer.from(json)), shape(operation));

const METRIC = 'POST 2.0 runs/log-metric';
const BATCH = 'POST 2.0 runs/log-batch';
const UPDATE = 'POST 2.0 runs/update';
const SEARCH = 'POST 2.0 runs/search';
const CREATE = 'POST 2.0 runs/create';
const ASSESS = 'POST 3.0 traces/:trace_id/assessments';
const REASSESS = 'PATCH 3.0 traces/:trace_id/assessments/:assessment_id';
const TRACE = 'POST 3.0 traces';
const SECRET = 'POST 3.0 gateway/secrets/create';

describe('a message is read under the names of its proto', () => {
  test.each<[string, string, Record<string, unknown>]>([
    [METRIC, '{}', {}],
    [METRIC, '{"run_id":"a","modelId":"m"}', { run_id: 'a', model_id: 'm' }],
    [METRIC, '{"run_id":null,"run_uuid":"b"}', { run_uuid: 'b' }],
    [METRIC, '{"run_id":"a","other":{"runId":[1]}}', { run_id: 'a', other: { runId: [1] } }],
    [METRIC, '{"step":5,"timestamp":"-7"}', { step: 5, timestamp: -7 }],
    [METRIC, '{"step":1.0,"timestamp":1e3}', { step: 1, timestamp: 1000 }],
    [METRIC, '{"step":9223372036854775807}', { step: 9223372036854775807n }],
    [METRIC, '{"step":"-9223372036854775808"}', { step: -9223372036854775808n }],
    [METRIC, '{"value":0.5}', { value: 0.5 }],
    [METRIC, '{"value":"NaN"}', { value: 'NaN' }],
    [METRIC, '{"value":"-Infinity"}', { value: '-Infinity' }],
    [METRIC, '{"value":"1.5e3"}', { value: '1.5e3' }],
    [METRIC, '{"value":9007199254740993}', { value: 9007199254740993n }],
    [UPDATE, '{"status":"RUNNING","endTime":1}', { status: 'RUNNING', end_time: 1 }],
    [UPDATE, '{"status":3}', { status: 'FINISHED' }],
    [SEARCH, '{"experimentIds":["1","2"],"max_results":5}', { experiment_ids: ['1', '2'], max_results: 5 }],
    [SEARCH, '{"experiment_ids":[]}', { experiment_ids: [] }],
    [
      BATCH,
      '{"metrics":[{"modelId":"m","value":1},{"model_id":"n"}]}',
      { metrics: [{ model_id: 'm', value: 1 }, { model_id: 'n' }] },
    ],
    [
      TRACE,
      '{"trace":{"traceInfo":{"traceId":"t","requestTime":"2024-02-29T10:00:00.123Z","executionDuration":"1.5s"}}}',
      {
        trace: {
          trace_info: { trace_id: 't', request_time: '2024-02-29T10:00:00.123Z', execution_duration: '1.5s' },
        },
      },
    ],
    [
      TRACE,
      '{"trace":{"trace_info":{"tags":{"run_id":"a","runId":"b"}}}}',
      { trace: { trace_info: { tags: { run_id: 'a', runId: 'b' } } } },
    ],
    [
      TRACE,
      '{"trace":{"spans":[{"traceId":"YWI=","startTimeUnixNano":"18446744073709551615"}]}}',
      { trace: { spans: [{ trace_id: 'YWI=', start_time_unix_nano: 18446744073709551615n }] } },
    ],
    [
      ASSESS,
      '{"assessment":{"feedback":{"value":{"a":[null,1,"x"]}},"expectation":null}}',
      { assessment: { feedback: { value: { a: [null, 1, 'x'] } } } },
    ],
    [ASSESS, '{"assessment":{"feedback":{"value":null}}}', { assessment: { feedback: { value: null } } }],
    [
      REASSESS,
      '{"updateMask":"assessmentName,feedback.value"}',
      { update_mask: 'assessmentName,feedback.value' },
    ],
    [SECRET, '{"secretValue":{"api_key":"k"}}', { secret_value: { api_key: 'k' } }],
  ])('%s %s', (operation, json, message) => {
    expect(read(operation, json)).toEqual(message);
  });
});

describe('what could end the reading half way is refused by name', () => {
  test.each<[string, string, string, string]>([
    [
      'both spellings',
      METRIC,
      '{"model_id":"a","modelId":"b"}',
      "Send either 'model_id' or 'modelId', not both.",
    ],
    [
      'both spellings, one null',
      METRIC,
      '{"modelId":"b","model_id":null}',
      "Send either 'model_id' or 'modelId', not both.",
    ],
    ['both spellings within a list', BATCH, '{"metrics":[{"model_id":"a","modelId":"b"}]}', 'not both'],
    ['a number for a string', METRIC, '{"run_id":1}', "'run_id': expected a string"],
    ['a list for a string', METRIC, '{"run_id":["a"]}', "'run_id': expected a string"],
    ['an object for a string', METRIC, '{"run_id":{}}', "'run_id': expected a string"],
    ['a bool for a string', METRIC, '{"modelId":true}', "'modelId': expected a string"],
    ['a bool for an integer', METRIC, '{"step":true}', "'step': expected a 64-bit integer"],
    ['a fraction for an integer', METRIC, '{"step":1.5}', "'step'"],
    ['an integer one too large', METRIC, '{"step":9223372036854775808}', "'step'"],
    ['an integer one too small', METRIC, '{"step":-9223372036854775809}', "'step'"],
    ['a fraction at the edge of the integers', METRIC, '{"step":9223372036854775807.0}', "'step'"],
    [
      'a 32-bit integer one too large',
      SEARCH,
      '{"max_results":2147483648}',
      "'max_results': expected a 32-bit integer",
    ],
    ['text of a fraction for an integer', METRIC, '{"step":"1.0"}', "'step'"],
    ['text of an exponent for an integer', METRIC, '{"step":"1e3"}', "'step'"],
    ['a blank in an integer', METRIC, '{"step":" 1"}', "'step'"],
    ['a line feed behind an integer', METRIC, '{"step":"1\\n"}', "'step'"],
    ['an underscore in an integer', METRIC, '{"step":"1_0"}', "'step'"],
    ['a plus before an integer', METRIC, '{"step":"+1"}', "'step'"],
    ['digits of another script', METRIC, '{"step":"１"}', "'step'"],
    ['an empty integer', METRIC, '{"step":""}', "'step'"],
    ['a bool for a double', METRIC, '{"value":true}', "'value': expected a number"],
    ['nan as Python writes it', METRIC, '{"value":"nan"}', "'value'"],
    ['inf as Python writes it', METRIC, '{"value":"inf"}', "'value'"],
    ['an integer beyond all doubles', METRIC, `{"value":1${'0'.repeat(309)}}`, "'value'"],
    [
      'text for a bool',
      ASSESS,
      '{"assessment":{"valid":"true"}}',
      "'assessment.valid': expected true or false",
    ],
    [
      'a number for a bool',
      ASSESS,
      '{"assessment":{"valid":1}}',
      "'assessment.valid': expected true or false",
    ],
    [
      'an unknown name of an enum',
      UPDATE,
      '{"status":"ODD"}',
      "'status': expected one of FAILED, FINISHED, KILLED",
    ],
    ['an unknown number of an enum', UPDATE, '{"status":99}', "'status'"],
    ['the number of an enum as text', UPDATE, '{"status":"1"}', "'status'"],
    ['a bool for an enum', UPDATE, '{"status":true}', "'status'"],
    ['a fraction for an enum', UPDATE, '{"status":1.5}', "'status'"],
    ['an enum with a NUL', UPDATE, '{"status":"RUNNING\\u0000x"}', "'status'"],
    [
      'text for a list',
      SEARCH,
      '{"experiment_ids":"0"}',
      "'experiment_ids': expected a list, each item a string",
    ],
    ['an object for a list', SEARCH, '{"experiment_ids":{"0":"1"}}', "'experiment_ids'"],
    [
      'a number in a list of strings',
      SEARCH,
      '{"experiment_ids":["1",2]}',
      "'experiment_ids[1]': expected a string",
    ],
    ['null in a list of strings', SEARCH, '{"experiment_ids":[null]}', "'experiment_ids[0]'"],
    ['null in a list of messages', BATCH, '{"metrics":[null]}', "'metrics[0]': expected an object"],
    ['text for a message', TRACE, '{"trace":"x"}', "'trace': expected an object"],
    ['a list for a message', TRACE, '{"trace":[]}', "'trace': expected an object"],
    [
      'an inner mismatch',
      BATCH,
      '{"metrics":[{"step":"x"}]}',
      "'metrics[0].step': expected a 64-bit integer",
    ],
    // Before 3.17 MLflow writes str(None) into the first and fails over the second.
    ['null for an experiment id', CREATE, '{"experiment_id":null}', "'experiment_id': expected a string"],
    ['null for a list of experiment ids', SEARCH, '{"experimentIds":null}', "'experimentIds'"],
    ['an extension key', METRIC, '{"[a.b]":1,"run_id":"a"}', "'[a.b]' is not the name of a parameter"],
    ['an extension key within', BATCH, '{"metrics":[{"[]":1}]}', "'metrics[0].[]'"],
    [
      'two of a oneof',
      ASSESS,
      '{"assessment":{"feedback":{},"expectation":{}}}',
      "'assessment.expectation' is one of several",
    ],
    ['a list for a map', SECRET, '{"secret_value":[]}', "'secret_value': expected an object"],
    ['a number in a map', SECRET, '{"secret_value":{"a":1}}', "'secret_value.a': expected a string"],
    ['null in a map', SECRET, '{"secret_value":{"a":null}}', "'secret_value.a': expected a string"],
    [
      'a key of a map that older versions rewrite',
      SECRET,
      '{"secret_value":{"experiment_ids":"12"}}',
      "must not have the key 'experiment_ids'",
    ],
    [
      'a time without an offset',
      TRACE,
      '{"trace":{"trace_info":{"request_time":"2024-01-01T00:00:00"}}}',
      'expected a time like',
    ],
    [
      'a day that does not exist',
      TRACE,
      '{"trace":{"trace_info":{"request_time":"2023-02-29T00:00:00Z"}}}',
      'expected a time like',
    ],
    ['a number for a time', TRACE, '{"trace":{"trace_info":{"request_time":1}}}', 'expected a time like'],
    [
      'a duration without its unit',
      TRACE,
      '{"trace":{"trace_info":{"execution_duration":"1"}}}',
      'expected a duration like',
    ],
    ['an underscore in a field mask', REASSESS, '{"update_mask":"assessment_name"}', 'expected names like'],
    ['odd base64', TRACE, '{"trace":{"spans":[{"trace_id":"Y"}]}}', 'expected a base64 string'],
    [
      'a value nested deeper than protobuf reads',
      ASSESS,
      `{"assessment":{"feedback":{"value":${'['.repeat(49)}${']'.repeat(49)}}}}`,
      'nested too deep',
    ],
  ])('%s', (_what, operation, json, message) => {
    expect(() => read(operation, json)).toThrow(
      expect.objectContaining({ status: 400, message: expect.stringContaining(message) }),
    );
  });

  test('but not a value as deep as protobuf reads', () => {
    const value = '['.repeat(48) + ']'.repeat(48);
    expect(() => read(ASSESS, `{"assessment":{"feedback":{"value":${value}}}}`)).not.toThrow();
  });

  test('something that is no object', () => {
    expect(() => readMessage([], shape(METRIC))).toThrow('The body must be a JSON object.');
  });
});

describe('MLflow before 3.11 makes text of the ids of experiments', () => {
  const readIn = (version: string | undefined, operation: string, json: string) => {
    const bytes = Buffer.from(json);
    const reading = { version, lenient: false, leaveOut: () => {}, written: createWritten(bytes) };
    return readMessage(readJson(bytes), shape(operation), reading);
  };
  const OLD = ['2.15.1', '2.22.4', '3.0.1', '3.10.1'];

  test.each(OLD)('%s, and so does the gateway', (version) => {
    expect(readIn(version, CREATE, '{"experiment_id":3}')).toEqual({ experiment_id: '3' });
    expect(readIn(version, CREATE, '{"experiment_id":123456789012345678901}')).toEqual({
      experiment_id: '123456789012345678901',
    });
    expect(readIn(version, SEARCH, '{"experiment_ids":[0, "1", 2],"max_results":1e1}')).toEqual({
      experiment_ids: ['0', '1', '2'],
      max_results: 10,
    });
  });

  test.each(['1.0', '1e3', '1E2', '-0', '-1', 'true', 'null', '[3]', '{"a":1}', '1.5'])(
    'but of %s it makes what is no id',
    (id) => {
      for (const version of OLD) {
        expect(() => readIn(version, CREATE, `{"experiment_id":${id}}`)).toThrow(/experiment_id/);
        expect(() => readIn(version, SEARCH, `{"experiment_ids":[${id}]}`)).toThrow(/experiment_ids/);
      }
    },
  );

  test('of other fields, of the other spelling, and later versions of none', () => {
    expect(() => readIn('2.15.1', METRIC, '{"run_id":3}')).toThrow(/run_id/);
    expect(() => readIn('2.15.1', CREATE, '{"experimentId":3}')).toThrow(/experimentId/);
    expect(() => readIn('2.15.1', SEARCH, '{"experiment_ids":3}')).toThrow(/experiment_ids/);
    for (const version of ['3.11.1', '3.17.2', '3.18.0', undefined]) {
      expect(() => readIn(version, CREATE, '{"experiment_id":3}')).toThrow(/experiment_id/);
    }
  });
});
