/**
 * What each operation of MLflow reads: the fields of its protobuf message and of its query, over all
 * versions at once. The facts are in ./fields.generated.json; this module gives them a shape.
 *
 * Notation of an **operation**: method, space, path. `2.0 runs/get` is /api/2.0/mlflow/runs/get and its
 * twin under /ajax-api; `ajax 2.0 …` and `api 2.0 …` exist under one prefix only; `artifacts 2.0 …` is
 * /{api,ajax-api}/2.0/mlflow-artifacts/…; anything else is the literal path. `:name` is one segment,
 * `*name` one or more. HEAD and OPTIONS are not listed.
 *
 * Notation of a **field's type**: a protobuf scalar, `enum NAME`, the name of a message (without its
 * leading `mlflow.`) or `map` (of strings to strings); `*` before it is a list, ` @NAME` after it the
 * oneof it belongs to. No field has changed its type between the versions; the generator would say so.
 */
import table from './fields.generated.json' with { type: 'json' };

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
  | { readonly kind: 'enum'; readonly name: string; readonly numbers: ReadonlyMap<string, number> }
  | { readonly kind: 'message'; readonly shape: Shape }
  | { readonly kind: 'well-known'; readonly message: WellKnown }
  | { readonly kind: 'map' };

export interface Field {
  /** Proto name, `run_id`; what everything behind the reading uses. */
  readonly name: string;
  /** The other spelling that protobuf's JSON parser takes, `runId`; equal to `name` for a single word. */
  readonly jsonName: string;
  readonly type: FieldType;
  readonly list: boolean;
  /** At most one field of a oneof may be set. */
  readonly oneof: string | undefined;
}

/** A declared message or query. */
export interface Shape {
  readonly name: string;
  /** Every spelling of every field. */
  readonly fields: ReadonlyMap<string, Field>;
}

/** The JSON name that protoc derives from a proto name. */
const jsonNameOf = (name: string) => name.replace(/_+(.?)/g, (_, next: string) => next.toUpperCase());

const messages = new Map(Object.entries<Readonly<Record<string, string>>>(table.messages));
const enums = new Map(Object.entries<Readonly<Record<string, number>>>(table.enums));
const operations = new Map(Object.entries<string>(table.operations));
/** Queries of the gateway's own operations, where a parameter may be sent more than once. */
const OWN_QUERIES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'GET 3.0 roles/list': { workspace: '*string' },
};
const queries = new Map(
  Object.entries<Readonly<Record<string, string>>>({ ...table.queries, ...OWN_QUERIES }),
);
const routes = new Map(Object.entries<readonly string[]>(table.routes));

const shapes = new Map<string, Shape>();
const queryShapes = new Map<string, Shape>();

function typeNamed(name: string): FieldType {
  const scalar = SCALARS.find((known) => known === name);
  if (scalar) return { kind: 'scalar', scalar };
  if (name === 'map') return { kind: 'map' };
  if (name.startsWith('enum ')) {
    const numbers = enums.get(name.slice(5));
    if (numbers) return { kind: 'enum', name: name.slice(5), numbers: new Map(Object.entries(numbers)) };
  }
  const message = WELL_KNOWN.find((known) => `google.protobuf.${known}` === name);
  if (message) return { kind: 'well-known', message };
  return { kind: 'message', shape: messageShape(name) };
}

function addField(fields: Map<string, Field>, name: string, notation: string): void {
  const [type = '', oneof] = notation.split(' @');
  const list = type.startsWith('*');
  const jsonName = jsonNameOf(name);
  const field = { name, jsonName, type: typeNamed(list ? type.slice(1) : type), list, oneof };
  fields.set(name, field).set(jsonName, field);
}

function messageShape(name: string): Shape {
  const known = shapes.get(name);
  if (known) return known;
  const rows = messages.get(name);
  if (!rows) throw new Error(`fields.generated.json knows no ${name}`);
  const fields = new Map<string, Field>();
  const shape = { name, fields };
  // Before its fields, as messages may hold themselves.
  shapes.set(name, shape);
  for (const [fieldName, notation] of Object.entries(rows)) {
    addField(fields, fieldName, notation);
  }
  return shape;
}

/**
 * What an operation parses: from its body, or for GET from its query.
 *
 * @param operation - `POST 2.0 runs/log-metric`, see above.
 * @returns undefined if the upstream declares nothing for it.
 */
export function shapeOf(operation: string): Shape | undefined {
  if (operation.startsWith('GET ')) return queryShapeOf(operation);
  return declaredMessage(operation);
}

/**
 * What the query of an operation may hold: the message of a GET, and what a handler looks up by itself
 * whatever the method is.
 *
 * @returns undefined if nothing is declared.
 */
export function queryShapeOf(operation: string): Shape | undefined {
  const known = queryShapes.get(operation);
  if (known) return known;
  const message = operation.startsWith('GET ') ? declaredMessage(operation) : undefined;
  const extra = queries.get(operation);
  if (!extra) return message;
  const fields = new Map<string, Field>(message?.fields);
  for (const [name, notation] of Object.entries(extra)) addField(fields, name, notation);
  const shape = { name: message?.name ?? operation, fields };
  queryShapes.set(operation, shape);
  return shape;
}

function declaredMessage(operation: string): Shape | undefined {
  const name = operations.get(operation);
  return name === undefined ? undefined : messageShape(name);
}

/** The MLflow versions that were looked at, oldest first. */
export const SAMPLED_VERSIONS: readonly string[] = table.versions;

/**
 * The operations that a version serves.
 *
 * @param version - one of {@link SAMPLED_VERSIONS}; of any other nothing is known.
 */
export function liveRoutes(version: string): readonly string[] | undefined {
  return routes.get(version);
}
