import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createText } from '../../src/store/audit/text.ts';

test('whatever is added is read back, however long, and nothing of before', () => {
  const text = createText();
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ minLength: 50_000, maxLength: 60_000 })),
      ),
      (parts) => {
        text.clear();
        const ends = parts.map((part) => {
          text.add(part);
          return text.length;
        });
        expect(parts.map((_, at) => text.between(ends[at - 1] ?? 0, ends[at] ?? 0))).toEqual(parts);
      },
    ),
  );
});

test('a text that was long is short again', () => {
  const text = createText();
  text.add('x'.repeat(10_000_000));
  text.clear();
  expect(text.length).toBe(0);
  text.add('é\u{1F600}');
  expect(text.between(0, text.length)).toBe('é\u{1F600}');
});
