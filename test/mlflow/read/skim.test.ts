/** What is skimmed is what the long way reads, and nothing that it refuses. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { valuesAt } from '../../../src/gateway/locate/locate.ts';
import type { Field, Shape } from '../../../src/mlflow/read/fields.ts';
import { readJson } from '../../../src/mlflow/read/json.ts';
import { readMessage } from '../../../src/mlflow/read/message.ts';
import { type Operation, operationsOf } from '../../../src/mlflow/table/match.ts';
import type { From } from '../../../src/mlflow/table/row.ts';
import { ROUTES } from '../../../src/routes.ts';
import { messageText, sample } from './arbitraries.ts';

const VERSIONS = [undefined, '2.15.1', '3.0.1', '3.18.0'];

const skimmed = operationsOf(ROUTES).flatMap((operation) => {
  const { skim, shape } = operation;
  return skim === undefined || shape === undefined ? [] : [{ operation, skim, shape }];
});

const named = (name: string) => {
  const found = skimmed.find(({ operation }) => operation.name === name);
  if (found === undefined) {
    throw new Error(`${name} is not skimmed`);
  }
  return found;
};

/** Every place of a row that something is looked for at. */
function placesOf({ locators, rules }: Operation): readonly From[] {
  const byRules = rules.flatMap((rule) => ('from' in rule ? rule.from : []));
  return [
    ...locators.flatMap(({ from, unless }) => [...from, ...(unless ? [unless] : [])]),
    ...byRules,
  ].filter((place) => place.startsWith('body.')) as From[];
}

const space = fc.constantFrom('', '', '', ' ', '\n', '\t\r ');

/** The text of a message that most clients would send. */
function plainText(shape: Shape): fc.Arbitrary<string> {
  const fields = [...new Set(shape.fields.values())];
  return fc.shuffledSubarray(fields, { minLength: Math.min(1, fields.length) }).chain((chosen) =>
    fc.tuple(...chosen.map((field) => fc.tuple(space, plainValue(field), space))).map((values) => {
      const entries = values.map(([before, value, after], at) => {
        return `${before}"${chosen[at]?.name}"${after}:${before}${value}${after}`;
      });
      return `{${entries.join(',')}}`;
    }),
  );
}

function plainValue({ type, list }: Field): fc.Arbitrary<string> {
  const one = () => {
    if (type.kind === 'message') {
      return plainText(type.shape);
    }
    if (type.kind !== 'scalar' || type.scalar === 'string') {
      return fc.stringMatching(/^[ -~]{0,12}$/).map((text) => JSON.stringify(text));
    }
    return type.scalar === 'double'
      ? fc
          .oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))
          .map((n) => JSON.stringify(n))
      : fc.integer().map(String);
  };
  if (!list) {
    return one();
  }
  const alike = one().chain((item) => fc.array(fc.constant(item), { minLength: 2, maxLength: 4 }));
  return fc.oneof(fc.array(one(), { maxLength: 3 }), alike).map((items) => `[${items.join(', ')}]`);
}

/** What is the same as the one before it is left out: of such items one is enough. */
const withoutRepeats = (values: readonly unknown[]) =>
  values.filter((value, index) => index === 0 || value !== values[index - 1]);

/** A text with a piece taken out, put in or written twice. */
const mutated = (text: string) =>
  fc
    .tuple(
      fc.nat(text.length),
      fc.nat(3),
      fc.constantFrom(
        '',
        '"',
        '\\',
        ',',
        ':',
        '{',
        '}',
        '[',
        ']',
        '0',
        '-',
        '.',
        'e',
        'null',
        '\u00e9',
        '\0',
        '\n',
      ),
    )
    .map(([at, length, piece]) => text.slice(0, at) + piece + text.slice(at + length));

describe.each(VERSIONS)('in front of %s', (version) => {
  test('whatever is skimmed is read alike the long way', { timeout: 120_000 }, () => {
    let count = 0;
    for (const { operation, skim, shape } of skimmed) {
      const plain = sample(plainText(shape), 60);
      const broken = plain.slice(0, 30).flatMap((text) => sample(mutated(text), 8));
      for (const sent of [...plain, ...broken, ...sample(messageText(shape), 60)]) {
        const bytes = Buffer.from(sent);
        const found = skim(bytes, version);
        if (found === undefined) {
          continue;
        }
        count += 1;
        const left: string[] = [];
        const reading = { version, lenient: false, leaveOut: (path: string) => left.push(path) };
        const read = readMessage(readJson(bytes), shape, reading);
        expect(left).toEqual([]);
        for (const place of placesOf(operation)) {
          const at = (body: Record<string, unknown>) =>
            withoutRepeats(valuesAt(place, { body, params: {}, query: new Map(), headers: {} }));
          expect([operation.name, sent, place, at(found)]).toEqual([operation.name, sent, place, at(read)]);
        }
      }
    }
    expect(count).toBeGreaterThan(skimmed.length * 30);
  });
});

const METRIC = { key: 'loss', value: 0.25, timestamp: 1_700_000_000_000, step: -3 };

describe('items that are written alike', () => {
  const skim = (metrics: string) =>
    named('POST 2.0 runs/log-batch').skim(Buffer.from(`{"run_id":"a","metrics":[${metrics}]}`), '3.18.0');
  const metric = (value: string, more = '') => `{"key": "loss", "value": ${value}, "timestamp": 1${more}}`;
  const plain = Array.from({ length: 3 }, (_, at) => metric(`${at}.5`)).join(', ');

  test('are told from one in which something is wanted, before or behind them', () => {
    const odd = metric('1', ', "model_id": "m-1"');
    for (const metrics of [`${plain}, ${odd}`, `${odd}, ${plain}`, `${plain}, ${odd}, ${odd}, ${plain}`]) {
      const found = skim(metrics)?.metrics as readonly { model_id?: string }[];
      const wanted = found.flatMap((item) => item.model_id ?? []);
      expect([metrics, withoutRepeats(wanted)]).toEqual([metrics, ['m-1']]);
    }
  });

  test('are told from those that have another of what is wanted', () => {
    const of = (model: string, value = '1') => metric(value, `, "model_id": "${model}"`);
    const first = (model: string) => `{"model_id": "${model}", "key": "loss", "value": 1, "timestamp": 1}`;
    const found = (...metrics: string[]) => {
      const items = skim(metrics.join(', '))?.metrics as readonly { model_id?: string }[];
      return withoutRepeats(items.map((item) => item.model_id));
    };
    for (const write of [of, first]) {
      // As long, and the same but for its last letter; longer by one.
      for (const other of ['m-12345679', 'm-123456789', 'n-12345678']) {
        const [same, different] = [write('m-12345678'), write(other)];
        const both = ['m-12345678', other];
        expect(found(same, same, same, different)).toEqual(both);
        expect(found(same, different, different, different, same)).toEqual([...both, 'm-12345678']);
        expect(found(plain, same, same, plain, different)).toEqual([undefined, ...both]);
      }
    }
    expect(
      skim(Array.from({ length: 100 }, (_, at) => of('m-1', `${at}.5`)).join(','))?.metrics,
    ).toHaveLength(2);
  });

  test('are told from others however many unlike ones stand before them', () => {
    const unlike = (count: number) =>
      Array.from({ length: count }, (_, at) => metric(at % 2 ? '1' : '1.5', at % 2 ? ', "step": 1' : ''));
    const odd = metric('1', ', "model_id": "m-1"');
    for (let count = 0; count < 70; count += 1) {
      const metrics = [...unlike(count), plain, odd, plain, odd].join(', ');
      const found = skim(metrics)?.metrics as readonly { model_id?: string }[];
      expect([count, found.flatMap((item) => item.model_id ?? [])]).toEqual([count, ['m-1', 'm-1']]);
      expect(skim(`${metrics}, ${metric('01')}, ${plain}`)).toBeUndefined();
    }
  });

  test('are one where nothing of them is wanted: no list that has some is empty', () => {
    expect(skim(plain)?.metrics).toEqual([{}]);
    expect(skim(metric('1'))?.metrics).toEqual([{}]);
    expect(skim('')?.metrics).toEqual([]);
  });

  test('may stand beside any others', () => {
    for (const other of [
      '{}',
      '{ }',
      metric('1', ', "step": 2'),
      '{"value": 1, "key": "loss"}',
      metric('-0.0'),
    ]) {
      expect([other, skim(`${plain},${other},${plain}`)?.metrics]).toEqual([other, [{}]]);
      expect([other, skim(`${other},${plain}`)?.metrics]).toEqual([other, [{}]]);
    }
  });

  test.each([
    metric('NaN'),
    metric('01'),
    metric('"1"'),
    metric('1', ', "value": 2'),
    metric('1', ', "nobody": 2'),
    metric('1').replace('loss', 'lo\\u0073s'),
    metric('1').replace('"value"', '"Value"'),
    metric('1').replace('"value"', '"valu\\u0065"'),
    metric('1').replace(':', ''),
    metric('1').replace('}', ''),
    metric('1').slice(0, 20),
    `${metric('1')} ${metric('1')}`,
    `${metric('1')},`,
    '[]',
  ])('make nothing plain that is not: %s', (other) => {
    expect(skim(`${plain}, ${other}`)).toBeUndefined();
    expect(skim(`${plain}, ${other}, ${plain}`)).toBeUndefined();
  });
});

test.each([
  ['POST 2.0 runs/log-metric', { run_uuid: 'a', run_id: 'a', ...METRIC, model_id: 'm-1' }],
  [
    'POST 2.0 runs/log-batch',
    {
      run_id: 'a',
      metrics: [METRIC, { ...METRIC, model_id: 'm-1' }],
      params: [],
      tags: [{ key: 'k', value: 'v' }],
    },
  ],
  ['POST 2.0 runs/log-parameter', { run_id: 'a', key: 'k', value: 'v' }],
  ['POST 2.0 runs/set-tag', { run_id: 'a', key: 'k', value: 'v' }],
])('a body of %s as clients send it is skimmed, with blanks and line ends or without', (name, body) => {
  for (const indent of [undefined, 1, 2]) {
    expect(named(name).skim(Buffer.from(JSON.stringify(body, null, indent)), '3.18.0')).toMatchObject({
      run_id: 'a',
    });
  }
});

test.each([
  ...[
    '',
    ' ',
    'null',
    '[]',
    '"a"',
    '{',
    '{}x',
    '{"run_id":"a"',
    '{"run_id":"a",}',
    '{,"run_id":"a"}',
    '\ufeff{"run_id":"a"}',
  ],
  ...[
    '{"run_id":"a","run_id":"b"}',
    '{"runId":"a"}',
    '{"run_id":null}',
    '{"run_id":1}',
    '{"run_id":"\\u0061"}',
    '{"run_id":"é"}',
  ],
  ...[
    '{"run_id" "a"}',
    '{run_id:"a"}',
    "{'run_id':'a'}",
    '{"run_id":"a\n"}',
    '{"run_id":"a" "key":"b"}',
    '{"run_id":["a"]}',
  ],
  ...[
    '{"value":01}',
    '{"value":+1}',
    '{"value":.5}',
    '{"value":5.}',
    '{"value":1e}',
    '{"value":1e999}',
    '{"value":NaN}',
    '{"value":-}',
  ],
  ...[
    '{"value":"1"}',
    '{"step":1.0}',
    '{"step":1e3}',
    '{"step":"1"}',
    '{"step":9007199254740993}',
    '{"step":-01}',
    '{"step":1 2}',
  ],
  ...['{"unknown":1}', '{"__proto__":"a"}', '{"toString":"a"}', '{"":"a"}', `{"value":${'1'.repeat(41)}}`],
])('%j is left to the long way', (sent) => {
  expect(named('POST 2.0 runs/log-metric').skim(Buffer.from(sent), '3.18.0')).toBeUndefined();
});

test('a field that only other versions have is left to the long way', () => {
  const { skim } = named('POST 2.0 runs/log-metric');
  const bytes = Buffer.from('{"run_id":"a","model_id":"m-1"}');
  expect(skim(bytes, '2.15.1')).toBeUndefined();
  expect(skim(bytes, '3.18.0')).toEqual({ run_id: 'a', model_id: 'm-1' });
});
