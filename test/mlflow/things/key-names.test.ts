import fc from 'fast-check';
import { expect, test } from 'vitest';
import { names } from '../../../src/mlflow/things/key-names.ts';

const KEYS = ['mlflow.trace.spansLocation', 'mlflow.trace.archiv*'];

test.each([
  'mlflow.trace.spansLocation',
  'MLFLOW.Trace.SPANSlocation',
  ' mlflow.trace.spansLocation \t',
  'mlflow.trace.spansLocation\u00a0',
  'mlflów.tracé.spánsLocation',
  'mlflo\u0301w.trace.spansLocation',
  'mlflow.trace.spans\u200bLocation',
  'mlflow.trace.spans\u00adLocation\u0000',
  'ｍｌｆｌｏｗ.trace.spansLocation',
  'mlﬂow.trace.spansLocation',
  'mlflow.trace.ſpansLocation',
  'mlflow.trace.spansłocation',
  'mlflow.trace.spansLocatıon',
  'mlflow.trace.ßpansLocation',
  'mlfløw.trace.spansLocation',
  'mlflow.trace.archiv',
  'mlflow.trace.archivalRetention',
  'mlflow.trace.ÁRCHIVENow',
])('a database may take %j for one that is guarded', (key) => {
  expect(names(KEYS, key)).toBe(true);
});

test.each([
  '',
  'mlflow.trace.spans',
  'mlflow.trace.spansLocations',
  'mlflow-trace-spansLocation',
  'xmlflow.trace.spansLocation',
  'mlflow.trace.archi',
  'my.mlflow.trace.archiveLocation',
  'øøøøøø.trace.spansLocation!',
  'トレースの保存期間を表すための長い長い長い長いタグ',
  '🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂',
])('none takes %j for one', (key) => {
  expect(names(KEYS, key)).toBe(false);
});

test('long keys take no long time', () => {
  const key = 'ßø'.repeat(100_000);
  const started = performance.now();
  names(KEYS, key);
  expect(performance.now() - started).toBeLessThan(1000);
});

test('whatever a collation strips or folds, the key is known again', () => {
  const [guarded = ''] = KEYS;
  const decoration = fc.constantFrom('', '\u0301', '\u200d', '\u00ad', '\ufe0f', '\u0327');
  fc.assert(
    fc.property(
      fc.array(fc.tuple(decoration, fc.boolean()), { minLength: guarded.length, maxLength: guarded.length }),
      (ways) => {
        const written = [...guarded]
          .map((letter, at) => `${ways[at]?.[1] ? letter.toUpperCase() : letter}${ways[at]?.[0]}`)
          .join('');
        expect(names(KEYS, written)).toBe(true);
      },
    ),
  );
});
