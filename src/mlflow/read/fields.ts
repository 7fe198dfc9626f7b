/**
 * What each operation of MLflow reads: the fields of its message and of its query, with the versions that have them.
 * The facts are in ./fields.generated.json, which scripts/add-mlflow.mjs adds versions to, and in ./handler-fields.ts;
 * this module gives them a shape.
 *
 * Notation of an **operation**: method, space, path. `2.0 runs/get` is /api/2.0/mlflow/runs/get and its
 * twin under /ajax-api; `ajax 2.0 …` and `api 2.0 …` exist under one prefix only; `artifacts 2.0 …` is
 * /{api,ajax-api}/2.0/mlflow-artifacts/…; anything else is the literal path. `:name` is one segment,
 * `*name` one or more. HEAD and OPTIONS are not listed.
 *
 * Notation of a **field's type**: a protobuf scalar, `json` (any value), `enum NAME`, the name of a message (without
 * its leading `mlflow.`; `json.MODULE.NAME` is a pydantic model) or `map` (of strings to strings); `*` before it is a
 * list, ` @NAME` after it the oneof it belongs to. A field named `*` stands for all others. No field has changed its
 * type between the versions; the script would say so.
 *
 * Notation of **versions**, behind a name or type: `[3.1.4-3.9.0,3.11.1-]`, both ends included, an open end for what the
 * newest still has. Without it, all versions are meant; of a field, all that have its message.
 */
import table from './fields.generated.json' with { type: 'json' };
import { HANDLER_BODIES, HANDLER_QUERIES } from './handler-fields.ts';

export const SCALARS = [
  'string',
  'bool',
  'int32',
  'int64',
  'uint32',
  'fixed32',
  'fixed64',
  'float',
  'double',
  'bytes',
] as const;
export type Scalar = (typeof SCALARS)[number];

/** Google's messages that have a JSON form of their own. */
export const WELL_KNOWN = ['Duration', 'FieldMask', 'Timestamp', 'Value'] as const;
export type WellKnown = (typeof WELL_KNOWN)[number];

export type FieldType =
  | { readonly kind: 'scalar'; readonly scalar: Scalar }
  | { readonly kind: 'enum'; readonly name: string; readonly values: ReadonlyMap<string, EnumValue> }
  | { readonly kind: 'message'; readonly shape: Shape }
  | { readonly kind: 'well-known'; readonly message: WellKnown }
  | { readonly kind: 'map' }
  /** Any value. */
  | { readonly kind: 'json' };

/** The versions that have something; undefined: all of them. */
export type Versions = ReadonlySet<string> | undefined;

export interface Field {
  /** Proto name, `run_id`; what everything behind the reading uses. */
  readonly name: string;
  /** The other spelling that protobuf's JSON parser takes, `runId`; equal to `name` for a single word. */
  readonly jsonName: string;
  readonly type: FieldType;
  readonly list: boolean;
  /** At most one field of a oneof may be set. */
  readonly oneof: string | undefined;
  readonly versions: Versions;
}

export interface EnumValue {
  readonly number: number;
  readonly versions: Versions;
}

/** A declared message or query. */
export interface Shape {
  readonly name: string;
  /** Every spelling of every field. */
  readonly fields: ReadonlyMap<string, Field>;
  /** Whether fields that are not declared may be sent as well. */
  readonly open: boolean;
}

/** The JSON name that protoc derives from a proto name. */
const jsonNameOf = (name: string) => name.replace(/_+(.?)/g, (_, next: string) => next.toUpperCase());

/** The MLflow versions that were looked at, oldest first. */
export const SAMPLED_VERSIONS: readonly string[] = table.versions;

/** `text [ranges]` → both. */
function taken(notation: string): { readonly text: string; readonly versions: Versions } {
  const [, text = '', ranges] = /^(.*?) ?(?:\[([^\]]*)\])?$/.exec(notation) ?? [];
  if (ranges === undefined) {
    return { text, versions: undefined };
  }
  const found = ranges.split(',').flatMap((range) => {
    const [from = '', to = from] = range.split('-');
    const last = to === '' ? undefined : SAMPLED_VERSIONS.indexOf(to) + 1;
    return SAMPLED_VERSIONS.slice(SAMPLED_VERSIONS.indexOf(from), last);
  });
  return { text, versions: new Set(found) };
}

/** Whether a version, or any where none is said, is one of these. */
export function isOf(versions: Versions, version: string | undefined): boolean {
  return versions === undefined || version === undefined || versions.has(version);
}

type Rows = Readonly<Record<string, string>>;

/** Groups by their names, which stand with their versions in the table. */
const byName = (groups: Readonly<Record<string, Rows>>): ReadonlyMap<string, Rows> =>
  new Map(Object.entries(groups).map(([name, rows]) => [taken(name).text, rows]));

const messages = byName(table.messages);
const enums = byName(table.enums);
const operations = new Map(
  Object.entries<string>(table.operations).map(([name, text]) => [name, taken(text)]),
);
/** Queries of the gateway's own operations, where a parameter may be sent more than once. */
const OWN_QUERIES: Readonly<Record<string, Rows>> = {
  'GET 3.0 roles/list': { workspace: '*string' },
};
const queries = byName({ ...table.queries, ...HANDLER_QUERIES, ...OWN_QUERIES });
const bodies = new Map(Object.entries(HANDLER_BODIES));

/**
 * An operation without the names of its parameters: rows choose their own, and for the table the name of an MCP server
 * is two segments, where MLflow has one that is greedy.
 */
function withoutNames(operation: string): string {
  return operation
    .replace('mcp-servers/:namespace/:slug', 'mcp-servers/*')
    .replaceAll(/(?<=[/@])[:*]\w*/g, ':');
}

/** What is known of an operation, whatever its parameters are called. */
function createLookUp<T>(known: ReadonlyMap<string, T>): (operation: string) => T | undefined {
  const nameless = new Map([...known].map(([operation, value]) => [withoutNames(operation), value]));
  return (operation) => known.get(operation) ?? nameless.get(withoutNames(operation));
}

const operationNamed = createLookUp(operations);
const queryNamed = createLookUp(queries);
const bodyNamed = createLookUp(bodies);

const shapes = new Map<string, Shape>();
const queryShapes = new Map<string, Shape | undefined>();

function typeNamed(name: string): FieldType {
  const scalar = SCALARS.find((known) => known === name);
  if (scalar) {
    return { kind: 'scalar', scalar };
  }
  if (name === 'map' || name === 'json') {
    return { kind: name };
  }
  if (name.startsWith('enum ')) {
    return { kind: 'enum', name: name.slice(5), values: enumValues(name.slice(5)) };
  }
  const message = WELL_KNOWN.find((known) => `google.protobuf.${known}` === name);
  if (message) {
    return { kind: 'well-known', message };
  }
  return { kind: 'message', shape: messageShape(name) };
}

function enumValues(name: string): ReadonlyMap<string, EnumValue> {
  const rows = enums.get(name);
  if (!rows) {
    throw new Error(`fields.generated.json knows no ${name}`);
  }
  return new Map(
    Object.entries(rows).map(([value, notation]) => {
      const { text, versions } = taken(notation);
      return [value, { number: Number(text), versions }];
    }),
  );
}

/** Pydantic and handlers that look by themselves take a field by its own name alone. */
function addFields(fields: Map<string, Field>, rows: Rows, exact: boolean): void {
  for (const [name, notation] of Object.entries(rows)) {
    if (name === '*') {
      continue;
    }
    const { text, versions } = taken(notation);
    const [type = '', oneof] = text.split(' @');
    const list = type.startsWith('*');
    const jsonName = exact ? name : jsonNameOf(name);
    const field = { name, jsonName, type: typeNamed(list ? type.slice(1) : type), list, oneof, versions };
    fields.set(name, field).set(jsonName, field);
  }
}

function messageShape(name: string): Shape {
  const known = shapes.get(name);
  if (known) {
    return known;
  }
  const rows = messages.get(name);
  if (!rows) {
    throw new Error(`fields.generated.json knows no ${name}`);
  }
  const fields = new Map<string, Field>();
  const shape = { name, fields, open: '*' in rows };
  // Before its fields, as messages may hold themselves.
  shapes.set(name, shape);
  addFields(fields, rows, name.startsWith('json.'));
  return shape;
}

/**
 * What an operation parses: from its body, or for GET from its query.
 *
 * @param operation - its name, such as `POST 2.0 runs/log-metric`.
 * @returns undefined if the upstream declares nothing for it.
 */
export function shapeOf(operation: string): Shape | undefined {
  if (operation.startsWith('GET ')) {
    return queryShapeOf(operation);
  }
  return declaredMessage(operation) ?? bodyShapeOf(operation);
}

function bodyShapeOf(operation: string): Shape | undefined {
  const rows = bodyNamed(operation);
  if (!rows) {
    return undefined;
  }
  const fields = new Map<string, Field>();
  addFields(fields, rows, true);
  return { name: operation, fields, open: false };
}

/**
 * What the query of an operation may hold: the message of a GET, and what a handler looks up by itself
 * whatever the method is.
 *
 * @returns undefined if nothing is declared.
 */
export function queryShapeOf(operation: string): Shape | undefined {
  if (!queryShapes.has(operation)) {
    queryShapes.set(operation, declaredQuery(operation));
  }
  return queryShapes.get(operation);
}

function declaredQuery(operation: string): Shape | undefined {
  const message = operation.startsWith('GET ') ? declaredMessage(operation) : undefined;
  const extra = queryNamed(operation);
  if (!extra) {
    return message;
  }
  const fields = new Map<string, Field>(message?.fields);
  addFields(fields, extra, true);
  return { name: message?.name ?? operation, fields, open: false };
}

function declaredMessage(operation: string): Shape | undefined {
  const name = operationNamed(operation)?.text;
  return name === undefined || name === '' ? undefined : messageShape(name);
}

/** What an operation without declared fields may be sent: nothing. */
export const NO_FIELDS: Shape = { name: 'nothing', fields: new Map(), open: false };

/**
 * The operations that a version serves.
 *
 * @param version - one of {@link SAMPLED_VERSIONS}; of any other nothing is known.
 */
export function liveRoutes(version: string): readonly string[] | undefined {
  if (!SAMPLED_VERSIONS.includes(version)) {
    return undefined;
  }
  return [...operations].flatMap(([name, { versions }]) => (isOf(versions, version) ? [name] : []));
}
