#!/usr/bin/env node
/**
 * Makes src/mlflow/read/fields.generated.json from the output of scripts/dump_routes.py, one file per
 * MLflow version:
 *
 *     node scripts/generate-fields.mjs [--out FILE] routes-2.15.1.json … routes-3.17.2.json
 *
 * src/mlflow/read/fields.ts documents the notation and reads it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options, positionals: dumps } = parseArgs({
  allowPositionals: true,
  options: {
    out: {
      type: 'string',
      default: fileURLToPath(new URL('../src/mlflow/read/fields.generated.json', import.meta.url)),
    },
  },
});

/** Google's own messages whose JSON form src/mlflow/read/well-known.ts knows how to check. */
const WELL_KNOWN = ['Duration', 'FieldMask', 'Timestamp', 'Value'];

/** Query of handlers that read `request.args` themselves; from mlflow/server/handlers.py. */
const HANDLER_QUERIES = {
  'GET /get-artifact': { run_id: 'string', run_uuid: 'string', path: 'string' },
  'GET /model-versions/get-artifact': { name: 'string', version: 'string', path: 'string' },
  'GET ajax 2.0 metrics/get-history-bulk': { run_id: '*string', metric_key: 'string', max_results: 'int32' },
  'GET ajax 2.0 gateway-proxy': { gateway_path: 'string' },
  'POST ajax 2.0 upload-artifact': { run_uuid: 'string', path: 'string' },
  'GET ajax 2.0 get-trace-artifact': { request_id: 'string', path: 'string' },
  'GET ajax 3.0 get-trace-artifact': { request_id: 'string', path: 'string' },
  'GET ajax 2.0 logged-models/:model_id/artifacts/files': { artifact_file_path: 'string' },
  'GET 3.0 scorers/online-configs': { scorer_ids: '*string' },
  'GET ajax 3.0 gateway/supported-models': { provider: 'string' },
  'GET ajax 3.0 gateway/provider-config': { provider: 'string' },
  // These have a message too, but read one more thing from the query.
  'GET 2.0 logged-models/:model_id': { allow_deleted: 'bool' },
  'DELETE 3.0 workspaces/:workspace_name': { mode: 'string' },
};

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

const shortName = (fullName) => fullName.replace(/^mlflow\./, '');

/** The JSON name that protoc gives a field without one of its own. */
const jsonNameOf = (name) => name.replace(/_+(.?)/g, (_, c) => c.toUpperCase());

function typeOf(field, messages) {
  if (field.json_name !== jsonNameOf(field.name)) throw new Error(`${field.name} has a JSON name of its own`);
  const base = () => {
    if (field.type === 'enum') return `enum ${shortName(field.enum)}`;
    if (field.type !== 'message') return field.type;
    if (field.map) {
      const [key, value] = ['key', 'value'].map((n) => messages[field.message].find((f) => f.name === n));
      if (key.type !== 'string' || value.type !== 'string') throw new Error(`${field.name}: unknown map`);
      return 'map';
    }
    if (!field.message.startsWith('google.')) return shortName(field.message);
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
    if (prefixes.size === 2) found.set(key, route);
    else if (rest[0] === 'artifacts') found.set([...paths.values()][0], route);
    else found.set([method, prefixes.has('api') ? 'api' : 'ajax', ...rest].join(' '), route);
  }
  return found;
}

/** The object that `object` holds under a key, made when it is not there. */
function entry(object, key) {
  object[key] ??= {};
  return object[key];
}

const sorted = (object) => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));

const operations = {};
const queries = { ...HANDLER_QUERIES };
const messages = {};
const enums = {};
const routes = {};

for (const file of dumps) {
  const dump = JSON.parse(readFileSync(file, 'utf8'));
  for (const [fullName, fields] of Object.entries(dump.messages)) {
    const message = entry(messages, shortName(fullName));
    for (const field of fields) {
      const type = typeOf(field, dump.messages);
      const known = message[field.name] ?? type;
      // Has not happened so far; what is accepted would have to satisfy both.
      if (known !== type) throw new Error(`${fullName}.${field.name} was ${known} and is ${type}`);
      message[field.name] = type;
    }
  }
  for (const [fullName, values] of Object.entries(dump.enums)) {
    const known = entry(enums, shortName(fullName));
    for (const [name, number] of Object.entries(values)) {
      if ((known[name] ?? number) !== number) throw new Error(`${fullName}.${name} has changed its number`);
      known[name] = number;
    }
  }
  const found = operationsOf(dump.routes);
  for (const [operation, { request, query }] of found) {
    if (request) {
      const name = shortName(request);
      if ((operations[operation] ?? name) !== name)
        throw new Error(`${operation} reads ${name} and ${operations[operation]}`);
      operations[operation] = name;
    }
    for (const [name, annotation] of Object.entries(query ?? {})) {
      const type = FASTAPI_TYPES[annotation];
      if (!type) throw new Error(`${operation}: ${name} has the type ${annotation}`);
      entry(queries, operation)[name] = type;
    }
  }
  routes[dump.mlflow_version] = [...found.keys()].sort();
}

// Map entries are written as `map`: their own rows are reached from nowhere.
for (const name of Object.keys(messages)) if (/\.\w+Entry$/.test(name)) delete messages[name];

for (const [name, fields] of Object.entries(messages)) {
  const spellings = Object.keys(fields).flatMap((field) => [...new Set([field, jsonNameOf(field)])]);
  if (new Set(spellings).size !== spellings.length) throw new Error(`${name}: two fields share a spelling`);
}

const versions = Object.keys(routes);
const table = {
  generated: 'by scripts/generate-fields.mjs from the output of scripts/dump_routes.py; do not edit',
  versions,
  operations: sorted(operations),
  queries: sorted(queries),
  messages: sorted(messages),
  enums: sorted(enums),
  routes,
};

/** Two levels of lines, so that a change in MLflow shows as a readable difference. */
const lines = Object.entries(table).map(([key, value]) => {
  if (typeof value !== 'object' || key === 'versions')
    return ` ${JSON.stringify(key)}: ${JSON.stringify(value)}`;
  const inner =
    key === 'routes'
      ? Object.entries(value).map(
          ([v, list]) =>
            `  ${JSON.stringify(v)}: [\n${list.map((r) => `   ${JSON.stringify(r)}`).join(',\n')}\n  ]`,
        )
      : Object.entries(value).map(([k, v]) => `  ${JSON.stringify(k)}: ${JSON.stringify(v)}`);
  return ` ${JSON.stringify(key)}: {\n${inner.join(',\n')}\n }`;
});
writeFileSync(options.out, `{\n${lines.join(',\n')}\n}\n`);
console.log(
  `${versions.join(', ')}: ${Object.keys(operations).length} operations with a message, ${Object.keys(messages).length} messages, ${Object.keys(enums).length} enums`,
);
