import { type ApiError, invalid } from '../../errors.ts';
import { type EnumValue, type Field, type FieldType, isOf, SAMPLED_VERSIONS, type Shape } from './fields.ts';
import { isObject } from './json.ts';
import { readScalar } from './scalar.ts';
import { readWellKnown } from './well-known.ts';

export type { Shape } from './fields.ts';

/**
 * MLflow before 3.11 makes text of what stands under these names before anything reads it: 3 becomes '3', but 1.0 '1.0',
 * null 'None', and what is no list is walked as one. Later versions stop at what is no text.
 *
 * @see `_stringify_all_experiment_ids` in mlflow/utils/proto_json_utils.py
 */
const MADE_TEXT = new Set(['experiment_id', 'experiment_ids']);
const NUMBERS_END = SAMPLED_VERSIONS.indexOf('3.11.1');

/** protobuf's Python parser stops here. */
const MAX_MESSAGE_DEPTH = 100;

/** In front of what, and for whom, a request is read. */
export interface Reading {
  /** The version of MLflow in front, or the nearest that was looked at; undefined stands for all of them. */
  readonly version: string | undefined;
  /** Whether fields that no version declares are let through, as an admin's are. */
  readonly lenient: boolean;
  /** Is told of each field that other versions declare and this one does not, as `metrics[0].model_id`: it is not sent on. */
  readonly leaveOut: (path: string) => void;
  /** A number as it is written at a path of the body; without it, no number is taken for text. */
  readonly written?: (path: string) => string | undefined;
}

/** All versions at once, and every field. */
export const ANY: Reading = { version: undefined, lenient: true, leaveOut: () => {} };

/**
 * Reads a JSON value as MLflow's protobuf parser does, under the names of the proto.
 *
 * That parser stops at the first value of a wrong type and MLflow goes on with what it has: fields
 * after it count as not sent, though they were. So whatever it could stumble over is refused here, as
 * is whatever two versions of MLflow read differently, and a field that no version declares: a newer one may
 * act on it, or stop at it. A field that only other versions declare is left out.
 *
 * @param value - as readJson gives it.
 * @param shape - of the operation's message.
 * @param reading - all versions and every field if not given.
 * @returns the fields that are set, by proto name; null counts as not set.
 * @throws ApiError 400 that names the field and what it should be.
 * @see ParseDict in google/protobuf/json_format.py and `_get_request_message` in mlflow/server/handlers.py
 */
export function readMessage(value: unknown, shape: Shape, reading: Reading = ANY): Record<string, unknown> {
  return readObject(value, shape, { path: '', depth: 1, reading });
}

/** Where in a message the reading is. */
interface Place {
  readonly path: string;
  /** Messages around, and this one. */
  readonly depth: number;
  readonly reading: Reading;
}

function readObject(value: unknown, shape: Shape, place: Place): Record<string, unknown> {
  const { path, depth, reading } = place;
  if (!isObject(value)) {
    throw mismatch(path, 'an object');
  }
  if (depth > MAX_MESSAGE_DEPTH) {
    throw mismatch(path, `at most ${MAX_MESSAGE_DEPTH} levels`);
  }
  if (isCommon(value, shape, reading.version)) {
    return value;
  }
  const message: Record<string, unknown> = {};
  const seen = new Set<string>();
  for (const key in value) {
    const item = value[key];
    const field = shape.fields.get(key);
    const fieldPath = path === '' ? key : `${path}.${key}`;
    if (field === undefined) {
      refuseUndeclared(key, fieldPath, shape, reading);
      message[key] = item;
      continue;
    }
    if (!reading.lenient && !isOf(field.versions, reading.version)) {
      reading.leaveOut(fieldPath);
      continue;
    }
    if (seen.has(field.name)) {
      throw invalid(`Send either '${field.name}' or '${field.jsonName}', not both.`);
    }
    seen.add(field.name);
    if (item === null && !isValue(field)) {
      if (MADE_TEXT.has(field.name)) {
        throw mismatch(fieldPath, describe(field));
      }
      continue;
    }
    if (field.oneof !== undefined) {
      claim(field.oneof, seen, fieldPath);
    }
    const place = { path: fieldPath, depth, reading };
    message[field.name] = readField(MADE_TEXT.has(key) ? asText(item, place) : item, field, place);
  }
  return message;
}

/** What the gateway does not know it cannot judge: a newer MLflow may find a run by it, or stop reading at it. */
function refuseUndeclared(key: string, path: string, { open }: Shape, { lenient }: Reading): void {
  // An extension's name, which no message of MLflow has: ends the reading.
  if (key.startsWith('[')) {
    throw invalid(`'${path}' is not the name of a parameter.`);
  }
  if (open || lenient) {
    return;
  }
  throw invalid(`Unknown parameter '${path}': leave it out of this request. Only an admin may send it.`);
}

/**
 * The many short messages of a large batch: every field under the name of the proto alone, in no oneof, with a value
 * that is what it should be beyond doubt. Everything else, and every refusal, is left to the long way.
 */
function isCommon(value: Record<string, unknown>, { fields }: Shape, version: string | undefined): boolean {
  for (const key in value) {
    const field = fields.get(key);
    if (field?.name !== key || !isOf(field.versions, version) || !isCommonField(field, value[key])) {
      return false;
    }
  }
  return true;
}

function isCommonField({ oneof, list, type }: Field, value: unknown): boolean {
  if (oneof !== undefined || list || type.kind !== 'scalar') {
    return false;
  }
  switch (type.scalar) {
    case 'string':
      return typeof value === 'string';
    case 'double':
      return Number.isFinite(value);
    case 'int64':
      return Number.isSafeInteger(value);
    default:
      return false;
  }
}

/** Ids as an MLflow that makes text of numbers reads them; of what is no whole number it makes no id. */
function asText(value: unknown, place: Place): unknown {
  const { path, reading } = place;
  if (reading.version === undefined || SAMPLED_VERSIONS.indexOf(reading.version) >= NUMBERS_END) {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map((each: unknown, index) => asText(each, { ...place, path: `${path}[${index}]` }));
  }
  if (typeof value !== 'number' && typeof value !== 'bigint') {
    return value;
  }
  const written = reading.written?.(path);
  return written !== undefined && /^\d+$/.test(written) ? written : value;
}

/** A second field of a oneof ends the reading. */
function claim(oneof: string, seen: Set<string>, path: string): void {
  const mark = `oneof ${oneof}`;
  if (seen.has(mark)) {
    throw invalid(`'${path}' is one of several parameters of which only one can be sent.`);
  }
  seen.add(mark);
}

function readField(value: unknown, field: Field, place: Place): unknown {
  const { path, depth, reading } = place;
  if (!field.list) {
    return readType(value, field.type, place);
  }
  if (!Array.isArray(value)) {
    throw mismatch(path, describe(field));
  }
  const { type } = field;
  const isShort = (item: unknown) =>
    type.kind === 'message' && isObject(item) && isCommon(item, type.shape, reading.version);
  return value.map((item: unknown, index) =>
    depth < MAX_MESSAGE_DEPTH && isShort(item)
      ? item
      : readType(item, type, { path: `${path}[${index}]`, depth, reading }),
  );
}

function readType(value: unknown, type: FieldType, place: Place): unknown {
  const { path, depth, reading } = place;
  switch (type.kind) {
    case 'scalar':
      return readScalar(type.scalar, value, path);
    case 'enum':
      return readEnum(value, type.values, path, reading);
    case 'message':
      return readObject(value, type.shape, { path, depth: depth + 1, reading });
    case 'well-known':
      return readWellKnown(type.message, value, path, depth);
    case 'map':
      return readMap(value, path);
    case 'json':
      return value;
  }
}

/** A known name or number; of others the parser ignores the names and stumbles over the numbers. */
function readEnum(
  value: unknown,
  values: ReadonlyMap<string, EnumValue>,
  path: string,
  { version }: Reading,
): string {
  for (const [name, { number, versions }] of values) {
    if ((value === name || value === number) && isOf(versions, version)) {
      return name;
    }
  }
  throw mismatch(path, `one of ${namesOf(values, version)}`);
}

function namesOf(values: ReadonlyMap<string, EnumValue>, version?: string): string {
  return [...values].flatMap(([name, { versions }]) => (isOf(versions, version) ? [name] : [])).join(', ');
}

function readMap(value: unknown, path: string): Record<string, unknown> {
  if (!isObject(value)) {
    throw mismatch(path, 'an object');
  }
  for (const [key, item] of Object.entries(value)) {
    if (typeof item !== 'string') {
      throw mismatch(`${path}.${key}`, 'a string');
    }
    // MLflow before 3.17 would make a list of its characters, wherever it stands.
    if (key === 'experiment_ids') {
      throw invalid(`'${path}' must not have the key '${key}'.`);
    }
  }
  return value;
}

function isValue(field: Field): boolean {
  return field.type.kind === 'well-known' && field.type.message === 'Value';
}

function describe(field: Field): string {
  return field.list ? `a list, each item ${describeType(field.type)}` : describeType(field.type);
}

function describeType(type: FieldType): string {
  if (type.kind === 'scalar') {
    return type.scalar === 'string' ? 'a string' : `of type ${type.scalar}`;
  }
  return type.kind === 'enum' ? `one of ${namesOf(type.values)}` : 'an object';
}

function mismatch(path: string, expected: string): ApiError {
  return path === ''
    ? invalid('The body must be a JSON object.')
    : invalid(`Invalid value for parameter '${path}': expected ${expected}.`);
}
