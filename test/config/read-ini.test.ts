import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { interpolate, readIni } from '../../src/config/read-ini.ts';
import { NEWEST, pythonOf } from '../support/mlflow.ts';

const dir = mkdtempSync(join(tmpdir(), 'ini-'));
afterAll(() => rmSync(dir, { recursive: true }));

/** What Python's configparser makes of the same bytes: the items of `[mlflow]`, or why it fails. */
function configparser(texts: readonly string[]): unknown {
  const script = `
import configparser, json, sys
def read(text):
    config = configparser.ConfigParser()
    try:
        with open(sys.argv[1], 'w', newline='', encoding='utf-8') as file: file.write(text)
        config.read(sys.argv[1], encoding='utf-8')
        items = {}
        for key in config['mlflow']:
            try: items[key] = config['mlflow'][key]
            except configparser.InterpolationError: items[key] = None
        return items
    except (configparser.Error, KeyError): return 'fails'
print(json.dumps([read(text) for text in json.load(open(sys.argv[2]))]))
`;
  const input = join(dir, 'texts.json');
  writeFileSync(input, JSON.stringify(texts));
  const out = execFileSync(pythonOf(NEWEST), ['-c', script, join(dir, 'read.ini'), input], {
    encoding: 'utf8',
  });
  return JSON.parse(out);
}

/** What our reader makes of a text, in the form that Python's is answered in. */
function ours(text: string): unknown {
  const file = readIni(text);
  const section = file.section('mlflow');
  if (section === undefined || file.problems.length > 0 || section.problems.length > 0) {
    return 'fails';
  }
  const { values } = section;
  return Object.fromEntries([...values].map(([key, value]) => [key, interpolate(value) ?? null]));
}

const TEXTS = [
  '[mlflow]\nport = 1\n',
  '[mlflow]\nport: 1\nhost=b\nlog : a = b\nlog2 = a : b\n',
  '[mlflow]\n# c\n; c\n  # c\n\na = 1 ; not a comment # neither\n',
  '[mlflow]\na = "quoted"\nb = \'q\'\nc = "half\nd = back\\slash \\; \\n\n',
  '[mlflow]\nKEY = Value\nDatabase_URI = X\n',
  '[mlflow]\na = 100%%\nb = 5 %%%% x\nc = lone % sign\n',
  '[mlflow]\na = true\nb = false\nc = null\nd = 1e3\n',
  '[mlflow]\na =\nb:\n',
  '[mlflow]\nkey with blanks = x\nkey[] = y\n"quoted key" = z\n',
  '[mlflow]\r\na = 1\r\nb = 2\r\n',
  '[DEFAULT]\na = default\nb = default\n[mlflow]\nb = own\n',
  '[mlflow]\na = 1\n[other]\na = 2\nb = 3\n  more\n[dotted.name]\nc = 1\n',
  '[other]\na = 1\n[mlflow]\nb = 2\n',
  '  [mlflow]\n  a = 1\n  b = 2\n',
  '[mlflow] trailing\na = 1\n',
  '[mlflow]\na = é ü 漢 😀\n',
  '[mlflow]\n; a = 1\n\n\n   \nb = 2',
  // What configparser refuses, we refuse.
  'a = 1\n[mlflow]\nb = 2\n',
  '[other]\na = 1\n',
  '',
  '[mlflow]\na = 1\nA = 2\n',
  '[mlflow]\na = 1\n[mlflow]\nb = 2\n',
  '[mlflow]\nno separator\n',
  '[mlflow]\n= value\n',
];

describe('an INI file', () => {
  const expected = configparser(TEXTS) as unknown[];

  test.each(TEXTS.map((text, index) => ({ text, index })))(
    'reads as configparser reads $text',
    ({ text, index }) => {
      expect(ours(text)).toEqual(expected[index]);
    },
  );

  test('was compared with a configparser that reads and that fails', () => {
    expect(expected.filter((items) => items === 'fails')).toHaveLength(7);
    expect(expected[5]).toEqual({ a: '100%', b: '5 %% x', c: null });
  });

  test('with a value that goes on in the next line is refused by its line, not read in part', () => {
    expect(readIni('[mlflow]\na = 1\n  2\nb = 3\n').section('mlflow')?.problems).toEqual([
      'line 3 continues a, which is not supported: write the value on one line, unindented',
    ]);
  });

  test('with a reference to another key, which configparser would follow, has no value for it', () => {
    expect(ours('[mlflow]\na = 1\nb = %(a)s\n')).toEqual({ a: '1', b: null });
  });

  test('may begin with a byte order mark', () => {
    expect(ours('\uFEFF[mlflow]\na = 1\n')).toEqual({ a: '1' });
  });
});
