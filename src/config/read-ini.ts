import { parse } from 'ini';

/** What one section of an INI file says: raw values by lower-case key, and what could not be read. */
export interface IniSection {
  readonly values: ReadonlyMap<string, string>;
  readonly problems: readonly string[];
}

/** Python's configparser gives every section the values of this one. */
const DEFAULTS = 'DEFAULT';

/**
 * Reads one section the way Python's configparser reads MLflow's own files, so that a `basic_auth.ini` means the same
 * here: only full-line comments, quotes belong to the value, `=` or `:` after a key whose case does not matter.
 * Values come out before interpolation, see {@link interpolate}.
 *
 * @see https://docs.python.org/3/library/configparser.html#supported-ini-file-structure
 */
export function readIniSection(text: string, section: string): IniSection {
  const { normal, problems } = normalise(text, section);
  const parsed: Record<string, unknown> = parse(normal, { bracketedArray: false });
  if (parsed[section] === undefined)
    problems.push(`there is no section [${section}]: write [${section}] above the keys`);
  const values = new Map<string, string>();
  for (const name of [DEFAULTS, section]) {
    for (const [key, value] of Object.entries(parsed[name] ?? {})) values.set(key, String(value));
  }
  return { values, problems };
}

/**
 * The same text with each key and value as a JSON string, which the `ini` package takes literally: left as they are,
 * it would cut a password at its first `;` or `#`.
 */
function normalise(text: string, wanted: string): { normal: string; problems: string[] } {
  const lines: string[] = [];
  const problems: string[] = [];
  const sections = new Set<string>();
  const keys = new Set<string>();
  let section: string | undefined;
  let lastKey: string | undefined;
  let indentOfKey = 0;

  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    const content = line.trim();
    if (content === '' || content.startsWith('#') || content.startsWith(';')) continue;
    const at = `line ${index + 1}`;
    const concerns = section === undefined || section === wanted || section === DEFAULTS;
    const indent = line.length - line.trimStart().length;
    if (lastKey !== undefined && indent > indentOfKey) {
      if (concerns) {
        problems.push(
          `${at} continues ${lastKey}, which is not supported: write the value on one line, unindented`,
        );
      }
      continue;
    }
    indentOfKey = indent;

    const header = /^\[(.+)\]/.exec(content)?.[1];
    if (header !== undefined) {
      section = header;
      lastKey = undefined;
      keys.clear();
      if (header !== wanted && header !== DEFAULTS) continue;
      if (sections.has(header))
        problems.push(`${at} repeats the section [${header}]: write each section once`);
      sections.add(header);
      lines.push(`[${header}]`);
      continue;
    }
    if (section === undefined) {
      problems.push(`${at} stands before any section: write [${wanted}] above it`);
      continue;
    }
    if (!concerns) {
      lastKey = content;
      continue;
    }
    const [, rawKey, value] = /^([^=:]*?)\s*[=:]\s*(.*)$/.exec(content) ?? [];
    if (rawKey === undefined || rawKey === '' || value === undefined) {
      problems.push(`${at} is not a setting: write key = value`);
      continue;
    }
    const key = rawKey.toLowerCase();
    if (keys.has(key)) problems.push(`${at} repeats ${key}: write each key once`);
    keys.add(key);
    lastKey = key;
    lines.push(`${JSON.stringify(key)} = ${JSON.stringify(value)}`);
  }
  return { normal: lines.join('\n'), problems };
}

/**
 * Undoes configparser's doubling of the percent sign; references to other keys are refused, since no file of MLflow
 * uses them.
 *
 * @returns the value, or undefined when configparser would fail or look up another key.
 * @see https://docs.python.org/3/library/configparser.html#configparser.BasicInterpolation
 */
export function interpolate(value: string): string | undefined {
  return /^(?:[^%]|%%)*$/s.test(value) ? value.replaceAll('%%', '%') : undefined;
}
