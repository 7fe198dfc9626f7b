/**
 * What each version of MLflow serves and reads, and the one table that holds all of them:
 * src/mlflow/read/fields.generated.json. src/mlflow/read/fields.ts documents the notation and reads it.
 *
 * The facts of one version are `{ version, operations, queries, messages, enums }`: operation → its message ('' if it
 * declares none), operation → parameter → type, message → field → type, enum → name → number.
 */

/** Google's own messages whose JSON form src/mlflow/read/well-known.ts knows how to check. */
const WELL_KNOWN = ['Duration', 'FieldMask', 'Timestamp', 'Value'];

/** Annotations of FastAPI query parameters, as Python prints them. */
const FASTAPI_TYPES = {
  str: 'string',
  'str | None': 'string',
  int: 'int64',
  'int | None': 'int64',
  bool: 'bool',
  'list[str] | None': '*string',
  'list[str]': '*string',
};

/** MLflow 2.20 and 2.21 have the messages of assessments among the others. */
const MOVED = /^(?=(?:Assessment(?:Error|Source)?|Expectation|Feedback)(?:\.|$))/;

const shortName = (fullName) => fullName.replace(/^mlflow\./, '').replace(MOVED, 'assessments.');

/** The JSON name that protoc gives a field without one of its own. */
const jsonNameOf = (name) => name.replace(/_+(.?)/g, (_, c) => c.toUpperCase());

function typeOf(field, messages, isModel) {
  if (!isModel && field.json_name !== jsonNameOf(field.name)) {
    throw new Error(`${field.name} has a JSON name of its own`);
  }
  const base = () => {
    if (field.type === 'enum') {
      return `enum ${shortName(field.enum)}`;
    }
    if (field.type !== 'message') {
      return field.type;
    }
    if (field.map) {
      const [key, value] = ['key', 'value'].map((n) => messages[field.message].find((f) => f.name === n));
      if (key.type !== 'string' || value.type !== 'string') {
        throw new Error(`${field.name}: unknown map`);
      }
      return 'map';
    }
    if (!field.message.startsWith('google.')) {
      return shortName(field.message);
    }
    if (!WELL_KNOWN.includes(field.message.replace('google.protobuf.', ''))) {
      throw new Error(`${field.name}: ${field.message} is not known here`);
    }
    return field.message;
  };
  const list = field.repeated && !field.map ? '*' : '';
  // A field that proto3 calls optional sits in a oneof of its own.
  const oneof = field.oneof && !field.oneof.startsWith('_') ? ` @${field.oneof}` : '';
  return `${list}${base()}${oneof}`;
}

/** `<path:x>` and `{x:path}` become `*x`, `<x>` and `{x}` become `:x`. */
const withParameters = (path) =>
  path
    .replace(/<path:(\w+)>|\{(\w+):path\}/g, (_, a, b) => `*${a ?? b}`)
    .replace(/<(?:\w+:)?(\w+)>|\{(\w+)\}/g, (_, a, b) => `:${a ?? b}`);

/** Routes of one version → operation → its route. */
function operationsOf(routes) {
  const found = new Map();
  const twins = new Map();
  for (const route of routes) {
    const path = withParameters(route.path);
    for (const method of route.methods) {
      const match = /^\/(api|ajax-api)\/(\d\.\d)\/mlflow(-artifacts)?\/(.+)$/.exec(path);
      if (!match) {
        found.set(`${method} ${path}`, { ...route, ...found.get(`${method} ${path}`) });
        continue;
      }
      const [, prefix, version, artifacts, rest] = match;
      const key = `${method} ${artifacts ? 'artifacts ' : ''}${version} ${rest}`;
      const twin = twins.get(key) ?? { prefixes: new Set(), paths: new Map(), route };
      twin.prefixes.add(prefix);
      twin.paths.set(prefix, `${method} ${path}`);
      twin.route = { ...route, ...twin.route };
      twins.set(key, twin);
    }
  }
  for (const [key, { prefixes, paths, route }] of twins) {
    const [method, ...rest] = key.split(' ');
    if (prefixes.size === 2) {
      found.set(key, route);
    } else if (rest[0] === 'artifacts') {
      found.set([...paths.values()][0], route);
    } else {
      found.set([method, prefixes.has('api') ? 'api' : 'ajax', ...rest].join(' '), route);
    }
  }
  return found;
}

/** The facts of one version, from what scripts/dump_routes.py wrote about it. */
export function factsOf(dump) {
  const messages = {};
  for (const [fullName, fields] of Object.entries(dump.messages)) {
    // Map entries are written as `map`: their own rows are reached from nowhere.
    if (/\.\w+Entry$/.test(fullName)) {
      continue;
    }
    const isModel = fullName.startsWith('json.');
    const rows = Object.fromEntries(fields.map((f) => [f.name, typeOf(f, dump.messages, isModel)]));
    const spellings = Object.keys(rows).flatMap((name) => [
      ...new Set([name, isModel ? name : jsonNameOf(name)]),
    ]);
    if (new Set(spellings).size !== spellings.length) {
      throw new Error(`${fullName}: two fields share a spelling`);
    }
    messages[shortName(fullName)] = rows;
  }
  const enums = Object.fromEntries(
    Object.entries(dump.enums).map(([name, values]) => [shortName(name), values]),
  );
  const operations = {};
  const queries = {};
  for (const [operation, { request, query }] of operationsOf(dump.routes)) {
    operations[operation] = request ? shortName(request) : '';
    for (const [name, annotation] of Object.entries(query ?? {})) {
      const type = FASTAPI_TYPES[annotation];
      if (!type) {
        throw new Error(`${operation}: ${name} has the type ${annotation}`);
      }
      queries[operation] ??= {};
      queries[operation][name] = type;
    }
  }
  return { version: dump.mlflow_version, operations, queries, messages, enums };
}

const numbersOf = (version) => version.split('.').map(Number);

/** Orders versions such as `3.9.0` and `3.10.1`. */
export function compareVersions(a, b) {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  const at = left.findIndex((number, index) => number !== right[index]);
  return at === -1 ? 0 : left[at] - right[at];
}

/** `[3.1.4-3.9.0,3.11.1-]` for some of the versions; an open end means that the newest has it. */
function rangesOf(has, versions) {
  const ranges = [];
  for (const [index, version] of versions.entries()) {
    if (!has.has(version)) {
      continue;
    }
    if (has.has(versions[index - 1])) {
      ranges.at(-1)[1] = version;
    } else {
      ranges.push([version, version]);
    }
  }
  const text = ranges.map(([from, to]) => {
    if (to === versions.at(-1)) {
      return `${from}-`;
    }
    return from === to ? from : `${from}-${to}`;
  });
  return `[${text.join()}]`;
}

function withinRanges(ranges, version) {
  return ranges.split(',').some((range) => {
    const [from, to = from] = range.split('-');
    return compareVersions(from, version) <= 0 && (to === '' || compareVersions(version, to) <= 0);
  });
}

/** `text [ranges]` → both; without ranges all versions are meant. */
function taken(notation) {
  const [, text, ranges] = /^(.*?) ?(?:\[([^\]]*)\])?$/.exec(notation);
  return { text, ranges };
}

const joined = (text, ranges) => (text === '' ? ranges : ranges === '' ? text : `${text} ${ranges}`);

/** name → text of each version → name → notation. */
function foldRows(byVersion, versions) {
  const names = [...new Set(byVersion.flatMap(([, rows]) => Object.keys(rows)))].sort();
  return Object.fromEntries(
    names.map((name) => {
      const having = byVersion.filter(([, rows]) => name in rows);
      const texts = [...new Set(having.map(([, rows]) => String(rows[name])))];
      // Has not happened so far; what is accepted would have to satisfy both.
      if (texts.length > 1) {
        throw new Error(`${name} was ${texts.join(' and is ')}`);
      }
      const has = new Set(having.map(([version]) => version));
      return [name, joined(texts[0], has.size === versions.length ? '' : rangesOf(has, versions))];
    }),
  );
}

/** name → rows of each version → name with ranges → rows, whose own ranges are within those. */
function foldGroups(byVersion, versions) {
  const names = [...new Set(byVersion.flatMap(([, groups]) => Object.keys(groups)))].sort();
  return Object.fromEntries(
    names.map((name) => {
      const having = byVersion.filter(([, groups]) => name in groups);
      const own = having.map(([version]) => version);
      const ranges = own.length === versions.length ? '' : rangesOf(new Set(own), versions);
      const rows = foldRows(
        having.map(([version, groups]) => [version, groups[name]]),
        own,
      );
      return [joined(name, ranges), rows];
    }),
  );
}

/** The facts of all versions as one table. */
export function fold(all) {
  const sorted = all.toSorted((a, b) => compareVersions(a.version, b.version));
  const versions = sorted.map(({ version }) => version);
  const of = (part) => sorted.map((facts) => [facts.version, facts[part]]);
  return {
    generated: 'by scripts/add-mlflow.mjs from the output of scripts/dump_routes.py; do not edit',
    versions,
    operations: foldRows(of('operations'), versions),
    queries: foldGroups(of('queries'), versions),
    messages: foldGroups(of('messages'), versions),
    enums: foldGroups(of('enums'), versions),
  };
}

function unfoldRows(rows, version, all) {
  const found = {};
  for (const [name, notation] of Object.entries(rows)) {
    const { text, ranges } = taken(notation);
    if (ranges === undefined ? all : withinRanges(ranges, version)) {
      found[name] = text;
    }
  }
  return found;
}

function unfoldGroups(groups, version) {
  const found = {};
  for (const [notation, rows] of Object.entries(groups)) {
    const { text: name, ranges } = taken(notation);
    if (ranges === undefined || withinRanges(ranges, version)) {
      found[name] = unfoldRows(rows, version, true);
    }
  }
  return found;
}

/** The facts of one of the table's versions. */
export function unfold(table, version) {
  const enums = Object.entries(unfoldGroups(table.enums, version)).map(([name, values]) => [
    name,
    Object.fromEntries(Object.entries(values).map(([value, number]) => [value, Number(number)])),
  ]);
  return {
    version,
    operations: unfoldRows(table.operations, version, true),
    queries: unfoldGroups(table.queries, version),
    messages: unfoldGroups(table.messages, version),
    enums: Object.fromEntries(enums),
  };
}

/** The table as it is kept: a line for each name, so that a change in MLflow shows as a readable difference. */
export function print(table) {
  const lines = Object.entries(table).map(([key, value]) => {
    if (typeof value !== 'object' || Array.isArray(value)) {
      return ` ${JSON.stringify(key)}: ${JSON.stringify(value)}`;
    }
    const inner = Object.entries(value).map(([k, v]) => `  ${JSON.stringify(k)}: ${JSON.stringify(v)}`);
    return ` ${JSON.stringify(key)}: {\n${inner.join(',\n')}\n }`;
  });
  return `{\n${lines.join(',\n')}\n}\n`;
}

/** What differs between two versions, one line each: `+ field LogMetric.model_id string`. */
export function differences(before, after) {
  const lines = [];
  const compare = (what, was, is) => {
    for (const name of [...new Set([...Object.keys(was), ...Object.keys(is)])].sort()) {
      const [old, now] = [was[name], is[name]];
      if (old === undefined) {
        lines.push(`+ ${what}${name} ${now}`.trimEnd());
      } else if (now === undefined) {
        lines.push(`- ${what}${name} ${old}`.trimEnd());
      } else if (String(old) !== String(now)) {
        lines.push(`! ${what}${name}: ${old} → ${now}`);
      }
    }
  };
  compare('operation ', before.operations, after.operations);
  for (const [part, what] of [
    ['queries', 'query'],
    ['messages', 'field'],
    ['enums', 'value'],
  ]) {
    for (const name of Object.keys({ ...before[part], ...after[part] }).sort()) {
      const space = part === 'queries' ? ' ' : '.';
      compare(`${what} ${name}${space}`, before[part][name] ?? {}, after[part][name] ?? {});
    }
  }
  return lines;
}
