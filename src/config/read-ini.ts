/** What one section of an INI file says: raw values by lower-case key, and what could not be read. */
export interface IniSection {
  readonly values: ReadonlyMap<string, string>;
  readonly problems: readonly string[];
}

/** An INI file. */
export interface Ini {
  /** The names of its sections, in their order. */
  readonly sections: readonly string[];
  /** What stands outside of every section, and is a problem. */
  readonly problems: readonly string[];
  /** The section of that name, filled up from `[DEFAULT]`; undefined if there is none. */
  section(name: string): IniSection | undefined;
}

/** Python's configparser gives every section the values of this one. */
const DEFAULTS = 'DEFAULT';

interface Line {
  /** The line without the blanks around it. */
  readonly content: string;
  readonly indent: number;
  /** `line 7`. */
  readonly at: string;
}

interface Draft {
  readonly values: Map<string, string>;
  readonly problems: string[];
}

/**
 * Reads an INI file the way Python's configparser reads MLflow's own, so that a `basic_auth.ini` or a credentials file
 * means the same here: only full-line comments, quotes belong to the value, `=` or `:` after a key whose case does not
 * matter. Values come out before interpolation, see {@link interpolate}. No problem repeats a value.
 *
 * @see https://docs.python.org/3/library/configparser.html#supported-ini-file-structure
 */
export function readIni(text: string): Ini {
  const sections = new Map<string, Draft>();
  const problems: string[] = [];
  let current: Draft | undefined;
  let key: string | undefined;
  let indentOfKey = 0;
  for (const { content, indent, at } of linesOf(text)) {
    if (key !== undefined && indent > indentOfKey) {
      current?.problems.push(
        `${at} continues ${key}, which is not supported: write the value on one line, unindented`,
      );
      continue;
    }
    indentOfKey = indent;
    const header = /^\[(.+)\]/.exec(content)?.[1];
    if (header !== undefined) {
      current = openSection(sections, header, at);
      key = undefined;
    } else if (current === undefined) {
      problems.push(`${at} stands before any section: write the name of one, such as [mlflow], above it`);
    } else {
      key = readSetting(content, current, at) ?? key;
    }
  }
  return {
    sections: [...sections.keys()].filter((name) => name !== DEFAULTS),
    problems,
    section: (name) => filledUp(sections.get(name), sections.get(DEFAULTS)),
  };
}

function linesOf(text: string): readonly Line[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .map((line, index) => ({
      content: line.trim(),
      indent: line.length - line.trimStart().length,
      at: `line ${index + 1}`,
    }))
    .filter(({ content }) => content !== '' && !/^[#;]/.test(content));
}

function openSection(sections: Map<string, Draft>, name: string, at: string): Draft {
  const there = sections.get(name);
  there?.problems.push(`${at} repeats the section [${name}]: write each section once`);
  const section = there ?? { values: new Map(), problems: [] };
  sections.set(name, section);
  return section;
}

/** @returns the key, or undefined if the line is no setting. */
function readSetting(content: string, { values, problems }: Draft, at: string): string | undefined {
  const [, written = '', value = ''] = /^([^=:]*?)\s*[=:]\s*(.*)$/.exec(content) ?? [];
  const key = written.toLowerCase();
  if (key === '') {
    problems.push(`${at} is not a setting: write key = value`);
    return undefined;
  }
  if (values.has(key)) {
    problems.push(`${at} repeats ${key}: write each key once`);
  }
  values.set(key, value);
  return key;
}

function filledUp(section: Draft | undefined, defaults: Draft | undefined): IniSection | undefined {
  return (
    section && {
      values: new Map([...(defaults?.values ?? []), ...section.values]),
      problems: [...(defaults?.problems ?? []), ...section.problems],
    }
  );
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
