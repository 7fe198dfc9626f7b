import fc from 'fast-check';
import type { Field, FieldType, Shape } from '../../../src/mlflow/read/fields.ts';

/** Samples that are the same on every run, or other ones with FC_SEED. */
export function sample<T>(arbitrary: fc.Arbitrary<T>, count: number): T[] {
  return fc.sample(arbitrary, { numRuns: count, seed: Number(process.env['FC_SEED'] ?? 1) });
}

const quoted = (arbitrary: fc.Arbitrary<string>) => arbitrary.map((text) => JSON.stringify(text));

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.stringMatching(/^[0-9a-f]{32}$/),
  fc.constantFrom('', '1', 'None', 'a/b', 'é', '😀', '\0', 'a\0b', ' ', '%41', '[]', 'a=b', 'a;b', '+'),
);

/** JSON texts of numbers, some of which only one parser takes. */
const numberText = fc.oneof(
  { weight: 4, arbitrary: fc.integer().map(String) },
  { weight: 2, arbitrary: fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map(String) },
  { weight: 2, arbitrary: fc.double({ noDefaultInfinity: true, noNaN: true }).map((n) => JSON.stringify(n)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...['-0', '1.0', '1e3', '1E+2', '0.5', '-0.0', '1e400', '1e308', '3.5e38', '1e-400', '12e-1'],
      ...['2147483647', '2147483648', '-2147483649', '4294967295', '4294967296', '9007199254740993'],
      ...['9223372036854775807', '9223372036854775808', '-9223372036854775808', '-9223372036854775809'],
      ...['9223372036854775807.0', '18446744073709551615', '18446744073709551616', '1'.repeat(310)],
    ),
  },
);

/** Texts in place of numbers: Python takes more of them than JSON does. */
const oddText = fc.constantFrom(
  ...[
    '1',
    '-1',
    '+1',
    ' 1',
    '1 ',
    '1_0',
    '\t1',
    '1\n',
    '１',
    '1.0',
    '1e3',
    '0x10',
    '',
    '-',
    '007',
    '1.5',
    '.5',
    '5.',
  ],
  ...[
    'NaN',
    'nan',
    'Infinity',
    '-Infinity',
    'inf',
    'INF',
    '-inf',
    '1e999',
    '3.5e38',
    '9'.repeat(30),
    'true',
    'True',
  ],
  ...[
    '9223372036854775807',
    '9223372036854775808',
    '18446744073709551615',
    'YWI=',
    'YWI',
    'Y',
    'a_-b',
    'a+/b',
    'YW===',
  ],
);

const anyJsonText = fc.oneof(
  numberText,
  quoted(text),
  quoted(oddText),
  fc.constantFrom('null', 'true', 'false', '[]', '{}', '[[]]', '[null]', '{"a":1}', '[1,"a"]'),
);

const timeText = fc.oneof(
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  fc.constantFrom(
    ...['2024-02-29T00:00:00Z', '2023-02-29T00:00:00Z', '2024-01-01T24:00:00Z', '2024-01-01T00:00:60Z'],
    ...[
      '2024-01-01T00:00:00+01:30',
      '2024-01-01T00:00:00',
      '2024-1-1T0:0:0Z',
      '2024-01-01t00:00:00Z',
      '2024-01-01',
    ],
    ...['2024-01-01T00:00:00.123456789Z', '2024-01-01T00:00:00.1234567890Z', '0001-01-01T00:00:00+10:00'],
  ),
);
const durationText = fc.oneof(
  fc.double({ noDefaultInfinity: true, noNaN: true }).map((n) => `${n}s`),
  fc.constantFrom(
    '1s',
    '-1.5s',
    '0.1234567891s',
    '1',
    's',
    '99999999999s',
    '999999999999s',
    '1 s',
    '-0.5s',
    '.5s',
  ),
);
const maskText = fc.constantFrom('', 'a', 'aB.c,d', 'a_b', 'a,', ',', 'a..b', 'A', 'É', 'feedback,rationale');

/** JSON texts of a type, mostly right. */
function jsonTextOf(type: FieldType, depth: number): fc.Arbitrary<string> {
  const right = rightTextOf(type, depth);
  return fc.oneof({ weight: 40, arbitrary: right }, { weight: 1, arbitrary: anyJsonText });
}

function rightTextOf(type: FieldType, depth: number): fc.Arbitrary<string> {
  switch (type.kind) {
    case 'scalar':
      if (type.scalar === 'string') {
        return quoted(text);
      }
      if (type.scalar === 'bool') {
        return fc.constantFrom('true', 'false');
      }
      if (type.scalar === 'bytes') {
        const base64 = fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('base64'));
        return quoted(fc.oneof(base64, oddText));
      }
      return fc.oneof(fc.nat(1000).map(String), numberText, quoted(oddText));
    case 'enum':
      return fc.oneof(
        quoted(fc.constantFrom(...type.values.keys())),
        fc.constantFrom(...[...type.values.values()].map(({ number }) => String(number))),
        fc.constantFrom('"nope"', '99', '"1"', '1.0', '1.5', 'true', '"RUNNING\\u0000x"'),
      );
    case 'map':
      return fc
        .array(fc.tuple(quoted(text), fc.oneof({ weight: 20, arbitrary: quoted(text) }, anyJsonText)), {
          maxLength: 3,
        })
        .map((entries) => `{${entries.map(([key, value]) => `${key}:${value}`).join()}}`);
    case 'well-known':
      if (type.message === 'Timestamp') {
        return quoted(timeText);
      }
      if (type.message === 'Duration') {
        return quoted(durationText);
      }
      if (type.message === 'FieldMask') {
        return quoted(maskText);
      }
      return fc.oneof(
        anyJsonText,
        fc.json({ maxDepth: 3 }),
        fc.integer({ min: 30, max: 60 }).map((n) => '['.repeat(n) + ']'.repeat(n)),
      );
    case 'message':
      return messageText(type.shape, depth + 1);
    case 'json':
      return anyJsonText;
  }
}

/** Field names that a parser may take for another, or that end its reading. */
const oddKey = fc.constantFrom(
  'unknown',
  '[a.b]',
  '[]',
  '@type',
  '',
  'RUN_ID',
  'run_id\0x',
  'experiment_id\0',
  'toString',
);

/** JSON texts of a message: a few fields in either spelling, now and then something else. */
export function messageText(shape: Shape, depth = 0): fc.Arbitrary<string> {
  const fields = [...new Set(shape.fields.values())];
  if (fields.length === 0 || depth > 4) {
    return fc.constant('{}');
  }
  const fieldEntry = fc.constantFrom(...fields).chain((field) => entryOf(field, depth));
  const oddEntry = fc.tuple(quoted(oddKey), anyJsonText);
  return fc
    .array(fc.oneof({ weight: 30, arbitrary: fieldEntry }, { weight: 1, arbitrary: oddEntry }), {
      minLength: depth === 0 ? 1 : 0,
      maxLength: 5,
    })
    .map((entries) => `{${entries.map(([key, value]) => `${key}:${value}`).join()}}`);
}

function entryOf(field: Field, depth: number): fc.Arbitrary<[string, string]> {
  const one = jsonTextOf(field.type, depth);
  const many = fc.array(one, { maxLength: 3 }).map((items) => `[${items.join()}]`);
  const value = fc.oneof(
    { weight: 40, arbitrary: field.list ? many : one },
    { weight: 1, arbitrary: fc.constant('null') },
    { weight: 1, arbitrary: anyJsonText },
  );
  return fc.tuple(quoted(fc.constantFrom(field.name, field.name, field.jsonName)), value);
}

/** Any JSON text, valid or nearly so. */
export const jsonText: fc.Arbitrary<string> = fc.oneof(
  fc.json({ maxDepth: 4 }).map((json) => `{"a":${json}}`),
  fc
    .array(fc.tuple(quoted(text), anyJsonText), { maxLength: 4 })
    .map((entries) => `{${entries.map(([key, value]) => `${key} : ${value}`).join(' ,\n')}}`),
  fc
    .tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom('"', '\\', ',', ':', '{', '1', 'NaN', '\\ud800', '\u0001', 'e', ' '),
    )
    .map(([json, at, extra]) => {
      const whole = `{"a":${json}}`;
      const position = at % (whole.length + 1);
      return whole.slice(0, position) + extra + whole.slice(position);
    }),
);

/** Query strings of a shape, mostly right. */
export function queryText(shape: Shape): fc.Arbitrary<string> {
  const names = [...new Set([...shape.fields.values()].map(({ name }) => name))];
  const key = fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...names) },
    { weight: 1, arbitrary: fc.constantFrom(...shape.fields.keys()) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('unknown', 'a[]', 'a[0]', '', 'é', 'a.b', 'run_id[]', '1', '+', 'run_id\0'),
    },
  );
  const encode = fc.constantFrom(encodeURIComponent, (raw: string) =>
    encodeURIComponent(raw).replaceAll('%20', '+'),
  );
  const value = fc.oneof(
    { weight: 3, arbitrary: text },
    { weight: 1, arbitrary: oddText },
    fc.nat(99).map(String),
  );
  return fc
    .array(fc.tuple(key, value, encode, fc.constantFrom('=', '=', '=', '=', '=', '=', '==', '')), {
      minLength: 1,
      maxLength: 4,
    })
    .map((pairs) =>
      pairs.map(([k, v, enc, sign]) => enc(k) + sign + (v.isWellFormed() ? enc(v) : '')).join('&'),
    );
}

const pathPart = fc.oneof(
  fc.constantFrom(
    '1',
    '2',
    'run',
    'artifacts',
    'a b',
    'MLmodel',
    '100%',
    '%41',
    '%2541',
    '%252e',
    'é',
    'a?b',
    'a;b',
    'a:b',
  ),
  fc.constantFrom(
    '.',
    '..',
    '...',
    '',
    '%2e%2e',
    '%2F',
    '\\',
    '#',
    '%',
    '%%',
    '%zz',
    'file:',
    'http:',
    'FOO:x',
    ' ',
    ';',
    '?',
    '%00',
    '%FF',
    '%C3',
    '\t',
    '%0a',
    '%3F',
    '%3B',
    '%3A',
  ),
  fc.string({ unit: 'binary', maxLength: 3 }),
);

/** Artifact paths, many of them odd. */
export const artifactPath: fc.Arbitrary<string> = fc
  .array(pathPart, { minLength: 1, maxLength: 4 })
  .chain((parts) => fc.constantFrom('/', '/', '').map((glue) => parts.join(glue)));
