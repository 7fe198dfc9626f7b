/**
 * Puts values into one section of an INI file, and takes out those that are undefined. Every other line stays as it is. The
 * section is added where it is missing, and taken away where nothing is left in it but what was taken out.
 *
 * @param text - a file that `readIni` (./read-ini.ts) finds no problem in.
 * @param values - by lower-case key; on one line each, as they are meant: percent signs are doubled here.
 */
export function editIni(
  text: string,
  section: string,
  values: Readonly<Record<string, string | undefined>>,
): string {
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r\n|\r|\n/);
  const written = Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key} = ${value.replaceAll('%', '%%')}`],
  );
  const kept = placesIn(lines, section).filter(({ key }) => key === undefined || !(key in values));
  const header = kept.findIndex(({ isHeader }) => isHeader);
  const [before, below] = [kept.slice(0, header + 1), kept.slice(header + 1)].map((places) =>
    places.map(({ line }) => line),
  ) as [string[], string[]];
  if (header < 0) {
    below.push(...(written.length === 0 ? [] : [`[${section}]`, ...written]));
  } else if (written.length === 0 && isBare(below)) {
    before.pop();
  } else {
    // As far in as what follows, which would continue it otherwise.
    const next = kept.slice(header + 1).find(({ isNothing }) => !isNothing)?.line ?? '';
    const indent = next.slice(0, next.length - next.trimStart().length);
    before.push(...written.map((line) => indent + line));
  }
  return [...before, ...below].map((line) => line + newline).join('');
}

/** A line of a file, and what it is to one section. */
interface Place {
  readonly line: string;
  readonly isHeader: boolean;
  /** A comment, or what continues another line, or nothing. */
  readonly isNothing: boolean;
  /** The lower-case key, of a setting of the section. */
  readonly key: string | undefined;
}

/** Tells lines by the rules of Python's configparser, by which one that is further in than a setting continues it. */
function placesIn(lines: readonly string[], section: string): readonly Place[] {
  let current: string | undefined;
  let indentOfKey: number | undefined;
  return lines.map((line) => {
    const content = line.replace(/^\uFEFF/, '').trim();
    const indent = line.length - line.trimStart().length;
    const isNothing =
      content === '' || /^[#;]/.test(content) || (indentOfKey !== undefined && indent > indentOfKey);
    if (isNothing) {
      return { line, isNothing, isHeader: false, key: undefined };
    }
    const header = /^\[(.+)\]/.exec(content)?.[1];
    if (header !== undefined) {
      current = header;
      indentOfKey = undefined;
      return { line, isNothing, isHeader: header === section, key: undefined };
    }
    indentOfKey = indent;
    const [key = ''] = content.split(/[=:]/);
    const own = current === section ? key.trim().toLowerCase() : undefined;
    return { line, isNothing, isHeader: false, key: own };
  });
}

/** Whether nothing stands in a section, by the lines below its header. */
function isBare(below: readonly string[]): boolean {
  const next = below.find((line) => line.trim() !== '');
  return next === undefined || next.startsWith('[');
}
