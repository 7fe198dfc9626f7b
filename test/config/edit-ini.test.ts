import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { editIni } from '../../src/config/edit-ini.ts';
import { interpolate, readIni } from '../../src/config/read-ini.ts';
import { NEWEST, pythonOf } from '../support/mlflow.ts';

const FILE = `# mine
[other]
; a comment
user = x

[mlflow]
  # kept
mlflow_tracking_username = old
Mlflow_Tracking_Password: old
extra = 1%%

[last]
user = z
`;

test('only what is named changes, in its section', () => {
  expect(
    editIni(FILE, 'mlflow', { mlflow_tracking_username: 'new', mlflow_tracking_password: '50%' }),
  ).toBe(`# mine
[other]
; a comment
user = x

[mlflow]
mlflow_tracking_username = new
mlflow_tracking_password = 50%%
  # kept
extra = 1%%

[last]
user = z
`);
});

test.each([
  ['', '[s]\nk = v\n'],
  ['[s]', '[s]\nk = v\n'],
  ['[s]\n', '[s]\nk = v\n'],
  ['[t]\nk = 1\n', '[t]\nk = 1\n[s]\nk = v\n'],
  ['[t]\r\nk = 1\r\n', '[t]\r\nk = 1\r\n[s]\r\nk = v\r\n'],
  ['[s]\nK=1\n', '[s]\nk = v\n'],
  ['[s]\nkk = 1\n', '[s]\nk = v\nkk = 1\n'],
  // Continues a value of another section: no header, as it is further in.
  ['[t]\na = 1\n  [s]\n', '[t]\na = 1\n  [s]\n[s]\nk = v\n'],
])('into %j', (text, expected) => {
  expect(editIni(text, 's', { k: 'v' })).toBe(expected);
});

test('what is taken out leaves no empty section, and one that holds more stays', () => {
  expect(editIni('[a]\nx = 1\n[s]\nk = v\n', 's', { k: undefined })).toBe('[a]\nx = 1\n');
  expect(editIni('[s]\nk = v\n[a]\nx = 1\n', 's', { k: undefined })).toBe('[a]\nx = 1\n');
  expect(editIni('[s]\n# why\nk = v\n', 's', { k: undefined })).toBe('[s]\n# why\n');
  expect(editIni('[s]\nk = v\nl = 1\n', 's', { k: undefined })).toBe('[s]\nl = 1\n');
  expect(editIni('[a]\nx = 1\n', 's', { k: undefined })).toBe('[a]\nx = 1\n');
  expect(editIni('', 's', { k: undefined })).toBe('');
});

test('Python reads what was written, and everything else as before', () => {
  const written = editIni(FILE, 'mlflow', {
    mlflow_tracking_username: 'alice %s',
    mlflow_tracking_password: 'a;b #c',
  });
  const script =
    'import configparser, json, sys; c = configparser.ConfigParser(); c.read_string(sys.argv[1]); print(json.dumps({s: dict(c[s]) for s in c.sections()}))';
  const read = JSON.parse(execFileSync(pythonOf(NEWEST), ['-c', script, written], { encoding: 'utf8' }));
  expect(read).toEqual({
    other: { user: 'x' },
    mlflow: { mlflow_tracking_username: 'alice %s', mlflow_tracking_password: 'a;b #c', extra: '1%' },
    last: { user: 'z' },
  });
});

test('whatever file can be read: the values are as meant, and all others as they were', () => {
  const line = fc.constantFrom(
    '[s]',
    '[t]',
    '[u]',
    'k = 1',
    'K: 2',
    'l = 3',
    ' m = 4',
    '# k = 5',
    '',
    ';',
    ' n=5',
    'k2 = %%',
  );
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 12 }),
      fc.stringMatching(/^[!-~]([ -~]{0,8}[!-~])?$/),
      fc.constantFrom('\n', '\r\n'),
      (lines, value, newline) => {
        const before = readIni(lines.join(newline));
        const names = before.sections;
        fc.pre(
          [before, ...names.map((name) => before.section(name))].every((each) => each?.problems.length === 0),
        );
        const after = readIni(editIni(lines.join(newline), 's', { k: value }));
        const kept = (ini: typeof before, name: string) =>
          [...(ini.section(name)?.values ?? [])].filter(([key]) => name !== 's' || key !== 'k');
        expect(after.problems).toEqual([]);
        expect(after.section('s')?.problems).toEqual([]);
        expect(interpolate(after.section('s')?.values.get('k') ?? '')).toBe(value);
        for (const name of names) {
          expect(kept(after, name).toSorted()).toEqual(kept(before, name).toSorted());
        }
      },
    ),
    { seed: 7, numRuns: 2000 },
  );
});
