/** What ends the name of a family of keys: `mlflow.trace.archiv*`. */
const REST = '*';

/** Accents, and what databases take for nothing at all. */
const WEIGHTLESS = /[\p{M}\p{C}\p{Default_Ignorable_Code_Point}]/gu;
/** Letters that some collations take for one or two others: `ß`, `ø`, `ı`. */
const FOREIGN_LETTER = /^\p{Script=Latin}$/u;
const ASCII = /^[\x20-\x7e]$/;

/**
 * Whether `key` is one of `names`, to a database too that compares without regard to case, accents, width, invisible
 * characters and outer blanks: there a write under the one changes the other. A name may end in `*`.
 *
 * @see https://dev.mysql.com/doc/refman/en/charset-collation-names.html
 */
export function names(keys: readonly string[], key: string): boolean {
  const letters = [...folded(key)];
  return keys.some((each) => spells(letters, folded(each)));
}

/** What text is to be: a regular expression, or what none can say. */
export interface Form {
  /** For people. */
  readonly source: string;
  test(text: string): boolean;
}

/** All text but a name, see {@link names}. */
export const allBut = (name: string): Form => ({
  source: `all but ${name}`,
  test: (text) => !names([name], text),
});

const folded = (key: string): string => key.normalize('NFKD').replaceAll(WEIGHTLESS, '').trim().toLowerCase();

/** Whether letters spell a name, of which all places that the letters so far may reach are kept. */
function spells(letters: readonly string[], name: string): boolean {
  const isFamily = name.endsWith(REST);
  const end = isFamily ? name.length - REST.length : name.length;
  let reached = new Set([0]);
  for (const letter of letters) {
    if (isFamily && reached.has(end)) {
      return true;
    }
    if (reached.size === 0) {
      return false;
    }
    reached = new Set([...reached].flatMap((at) => reachedFrom(at, letter, name, end)));
  }
  return reached.has(end);
}

function reachedFrom(at: number, letter: string, name: string, end: number): readonly number[] {
  if (ASCII.test(letter)) {
    return at < end && name[at] === letter ? [at + 1] : [];
  }
  if (!FOREIGN_LETTER.test(letter)) {
    return [];
  }
  return [at + 1, at + 2].filter((next) => next <= end);
}

/**
 * Text that does not speak of a key, in whatever spelling a database takes for it: a filter by what is concealed would
 * tell it.
 */
export function silentAbout(key: string): RegExp {
  const between = '[\\p{M}\\p{C}\\p{Default_Ignorable_Code_Point}]*';
  const letters = [...key].map(
    (letter) => `(?:${letter === '.' ? '\\.' : letter}|[\\p{Script=Latin}--[a-zA-Z]]|[\\uff01-\\uff5e])`,
  );
  return new RegExp(`^(?![\\s\\S]*${letters.join(between)})`, 'iv');
}
