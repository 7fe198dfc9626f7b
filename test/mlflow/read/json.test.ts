import { describe, expect, test } from 'vitest';
import { readJson } from '../../../src/mlflow/read/json.ts';

const bytes = (text: string) => Buffer.from(text);

describe('a JSON body is read', () => {
  test.each<[string, unknown]>([
    ['', {}],
    ['{}', {}],
    [' {"a" : [1, -2.5e3, true, null, "x"]}\n', { a: [1, -2500, true, null, 'x'] }],
    ['{"a:b":"c:d","e":{"a:b":{}}}', { 'a:b': 'c:d', e: { 'a:b': {} } }],
    ['{"a":"\\"","b":"\\\\","c\\\\":"\\\\\\""}', { a: '"', b: '\\', 'c\\': '\\"' }],
    ['{"a":"[[{{:","b":"]}"}', { a: '[[{{:', b: ']}' }],
    ['{"a":"é😀\\u00e9\\ud83d\\ude00"}', { a: 'é😀é😀' }],
    ['{"a":"\\u0000\\n"}', { a: '\0\n' }],
    ['{"2":1,"1":2}', { 1: 2, 2: 1 }],
    ['{"a":{"b":1},"c":{"b":1}}', { a: { b: 1 }, c: { b: 1 } }],
    ['{"constructor":1,"toString":2}', { constructor: 1, toString: 2 }],
    ['{"a":"NaN"}', { a: 'NaN' }],
  ])('%j', (text, value) => {
    expect(readJson(bytes(text))).toEqual(value);
  });

  test('integers beyond 2^53 keep every digit', () => {
    expect(readJson(bytes('{"a":9007199254740993,"b":[-9223372036854775808],"c":"x"}'))).toEqual({
      a: 9007199254740993n,
      b: [-9223372036854775808n],
      c: 'x',
    });
  });

  test('large fractions and safe integers stay numbers', () => {
    const text =
      '{"a":9007199254740991,"b":0.12345678901234567,"c":9007199254740993.0,"d":1e20,"e":12345678901234567e2}';
    expect(readJson(bytes(text))).toEqual(JSON.parse(text));
  });

  test('as deep as allowed', () => {
    const text = `{"a":${'['.repeat(99)}${']'.repeat(99)}}`;
    expect(() => readJson(bytes(text))).not.toThrow();
    expect(() => readJson(bytes(`{"a":${text}}`))).toThrow(/100 levels/);
    expect(() => readJson(bytes('{"a":{"b":1}}'), { maxDepth: 1 })).toThrow(/1 levels/);
  });

  test('without running out of stack, however deep', () => {
    expect(() => readJson(bytes('['.repeat(1_000_000)))).toThrow(/100 levels/);
  });
});

describe('a body that two readers could take for different ones is refused', () => {
  test.each<[string, string | Uint8Array, RegExp]>([
    ['a key twice', '{"a":1,"a":2}', /twice/],
    ['a key twice, once escaped', '{"run_id":"a","run\\u005fid":"b"}', /twice/],
    ['a key twice in an inner object', '{"a":[{"b":1,"b":1}]}', /twice/],
    ['a key twice in an object that a later key replaces', '{"a":{"b":1},"a":{"c":1}}', /twice/],
    ['a key twice among long numbers', '{"a":1234567890123456789,"a":1}', /twice/],
    ['a __proto__ key', '{"__proto__":{"a":1}}', /__proto__/],
    ['an escaped __proto__ key', '{"\\u005f_proto__":1}', /__proto__/],
    ['an inner __proto__ key', '{"a":[{"__proto__":1}]}', /__proto__/],
    ['a key with a NUL, where protobuf stops to read it', '{"run_id\\u0000x":"a"}', /names must not have/],
    ['half a surrogate pair', '{"a":"\\ud800"}', /surrogate/],
    ['half a surrogate pair in a list', '{"a":["\\udc00x"]}', /surrogate/],
    ['half a surrogate pair in a key', '{"\\ud800":1}', /names must not have/],
    ['NaN', '{"a":NaN}', /not valid JSON/],
    ['Infinity', '{"a":-Infinity}', /not valid JSON/],
    ['a number beyond all doubles', '{"a":1e400}', /too large/],
    // Python's json refuses it, and Flask then takes the whole body for {}.
    ['an integer of more digits than Python takes', `{"a":1${'0'.repeat(4300)}}`, /too many digits/],
    ['a long fraction', `{"a":0.${'1'.repeat(500)}}`, /too many digits/],
    ['a body within the body', '"{\\"a\\":1}"', /JSON object/],
    ['a list', '[{"a":1}]', /JSON object/],
    ['null', 'null', /JSON object/],
    ['a number', '1', /JSON object/],
    ['blanks', '  ', /not valid JSON/],
    ['two objects', '{}{}', /not valid JSON/],
    ['half an object', '{"a":', /not valid JSON/],
    ['a string without an end', '{"a":"b\\"', /not valid JSON/],
    ['a comment', '{"a":1}//', /not valid JSON/],
    ['single quotes', "{'a':1}", /not valid JSON/],
    ['a trailing comma', '{"a":1,}', /not valid JSON/],
    ['a raw line feed in a string', '{"a":"\n"}', /not valid JSON/],
    ['a NUL behind the body', '{}\0', /not valid JSON/],
    ['a byte order mark', '\ufeff{"a":1}', /not valid JSON/],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le'), /not valid JSON/],
    ['UTF-16 with a byte order mark', Buffer.from('\ufeff{"a":1}', 'utf16le'), /UTF-8/],
    ['UTF-32', Buffer.from([0, 0, 0, 0x7b, 0, 0, 0, 0x7d]), /not valid JSON/],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), /UTF-8/],
    ['an encoded surrogate', Buffer.from([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d]), /UTF-8/],
  ])('%s', (_what, body, message) => {
    const sent = typeof body === 'string' ? bytes(body) : body;
    expect(() => readJson(sent)).toThrow(
      expect.objectContaining({ status: 400, message: expect.stringMatching(message) }),
    );
  });
});
