import { type ApiError, invalid } from '../../errors.ts';
import type { Field, FieldType, Shape } from './fields.ts';
import { isObject } from './json.ts';
import { readScalar } from './scalar.ts';
import { readWellKnown } from './well-known.ts';

export type { Shape } from './fields.ts';

/** MLflow before 3.17 turns these into text or lists first: null becomes 'None', or a crash. */
const NEVER_NULL = new Set(['experiment_id', 'experiment_ids']);

/** protobuf's Python parser stops here. */
const MAX_MESSAGE_DEPTH = 100;

/**
 * Reads a JSON value as MLflow's protobuf parser does, under the names of the proto.
 *
 * That parser stops at the first value of a wrong type and MLflow goes on with what it has: fields
 * after it count as not sent, though they were. So whatever it could stumble over is refused here, as
 * is whatever MLflow 2.15.1 and 3.17.2 read differently. Fields that no version declares are kept under
 * the name they came with; MLflow ignores them.
 *
 * @param value - as readJson gives it.
 * @param shape - of the operation's message.
 * @returns the fields that are set, by proto name; null counts as not set.
 * @throws ApiError 400 that names the field and what it should be.
 * @see ParseDict in google/protobuf/json_format.py and `_get_request_message` in mlflow/server/handlers.py
 */
export function readMessage(value: unknown, shape: Shape): Record<string, unknown> {
  return readObject(value, shape, '', 1);
}

function readObject(value: unknown, shape: Shape, path: string, depth: number): Record<string, unknown> {
  if (!isObject(value)) throw mismatch(path, 'an object');
  if (depth > MAX_MESSAGE_DEPTH) throw mismatch(path, `at most ${MAX_MESSAGE_DEPTH} levels`);
  if (isCommon(value, shape)) return value;
  const message: Record<string, unknown> = {};
  const seen = new Set<string>();
  for (const key in value) {
    const item = value[key];
    const field = shape.fields.get(key);
    const fieldPath = path === '' ? key : `${path}.${key}`;
    if (field === undefined) {
      // An extension's name, which no message of MLflow has: ends the reading.
      if (key.startsWith('[')) throw invalid(`'${fieldPath}' is not the name of a parameter.`);
      message[key] = item;
      continue;
    }
    if (seen.has(field.name)) {
      throw invalid(`Send either '${field.name}' or '${field.jsonName}', not both.`);
    }
    seen.add(field.name);
    if (item === null && !isValue(field)) {
      if (NEVER_NULL.has(field.name)) throw mismatch(fieldPath, describe(field));
      continue;
    }
    if (field.oneof !== undefined) claim(field.oneof, seen, fieldPath);
    message[field.name] = readField(item, field, fieldPath, depth);
  }
  return message;
}

/**
 * The many short messages of a large batch: every field under the name of the proto alone, in no oneof, with a value
 * that is what it should be beyond doubt. Everything else, and every refusal, is left to the long way.
 */
function isCommon(value: Record<string, unknown>, { fields }: Shape): boolean {
  for (const key in value) {
    const field = fields.get(key);
    if (field?.name !== key || !isCommonField(field, value[key])) return false;
  }
  return true;
}

function isCommonField({ oneof, list, type }: Field, value: unknown): boolean {
  if (oneof !== undefined || list || type.kind !== 'scalar') return false;
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

/** A second field of a oneof ends the reading. */
function claim(oneof: string, seen: Set<string>, path: string): void {
  const mark = `oneof ${oneof}`;
  if (seen.has(mark)) throw invalid(`'${path}' is one of several parameters of which only one can be sent.`);
  seen.add(mark);
}

function readField(value: unknown, field: Field, path: string, depth: number): unknown {
  if (!field.list) return readType(value, field.type, path, depth);
  if (!Array.isArray(value)) throw mismatch(path, describe(field));
  const { type } = field;
  const isShort = (item: unknown) => type.kind === 'message' && isObject(item) && isCommon(item, type.shape);
  return value.map((item: unknown, index) =>
    depth < MAX_MESSAGE_DEPTH && isShort(item) ? item : readType(item, type, `${path}[${index}]`, depth),
  );
}

function readType(value: unknown, type: FieldType, path: string, depth: number): unknown {
  switch (type.kind) {
    case 'scalar':
      return readScalar(type.scalar, value, path);
    case 'enum':
      return readEnum(value, type.numbers, path);
    case 'message':
      return readObject(value, type.shape, path, depth + 1);
    case 'well-known':
      return readWellKnown(type.message, value, path, depth);
    case 'map':
      return readMap(value, path);
  }
}

/** A known name or number; of others the parser ignores the names and stumbles over the numbers. */
function readEnum(value: unknown, numbers: ReadonlyMap<string, number>, path: string): string {
  if (typeof value === 'string' && numbers.has(value)) return value;
  if (typeof value === 'number') {
    for (const [name, number] of numbers) if (number === value) return name;
  }
  throw mismatch(path, `one of ${[...numbers.keys()].join(', ')}`);
}

function readMap(value: unknown, path: string): Record<string, unknown> {
  if (!isObject(value)) throw mismatch(path, 'an object');
  for (const [key, item] of Object.entries(value)) {
    if (typeof item !== 'string') throw mismatch(`${path}.${key}`, 'a string');
    // MLflow before 3.17 would make a list of its characters, wherever it stands.
    if (key === 'experiment_ids') throw invalid(`'${path}' must not have the key '${key}'.`);
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
  if (type.kind === 'scalar') return type.scalar === 'string' ? 'a string' : `of type ${type.scalar}`;
  return type.kind === 'enum' ? `one of ${[...type.numbers.keys()].join(', ')}` : 'an object';
}

function mismatch(path: string, expected: string): ApiError {
  return path === ''
    ? invalid('The body must be a JSON object.')
    : invalid(`Invalid value for parameter '${path}': expected ${expected}.`);
}
