import { invalid } from '../../errors.ts';
import { type Field, isOf, type Shape } from './fields.ts';
import { ANY, type Reading } from './message.ts';
import { decodeOnce } from './percent.ts';
import { readScalarText } from './scalar.ts';

/** Parameters by their proto name, each with all its values in order. */
export type Query = ReadonlyMap<string, readonly string[]>;

/** Brackets would nest in 2.15.1 (querystring_parser) and be part of the name in 3.x. */
const KEY = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

const BAD_PERCENT = /%(?![0-9A-Fa-f]{2})/;

/**
 * Reads a query string, refusing what MLflow 2.15.1 (querystring_parser) and later versions (Werkzeug)
 * would read differently.
 *
 * @param rawQuery - what follows the `?`, as received.
 * @param shape - the declared parameters; without one every parameter is text and may be sent once.
 * @param reading - all versions and every parameter if not given; is told what only other versions declare.
 * @throws ApiError 400 that names the parameter.
 */
export function readQuery(rawQuery: string, shape?: Shape, reading: Reading = ANY): Query {
  const query = new Map<string, string[]>();
  if (rawQuery === '') {
    return query;
  }
  if (rawQuery.includes(';')) {
    throw invalid('Encode the semicolon in the query as %3B.');
  }
  // 2.15.1 replaces this text by %5B0%5D before it reads the query, in values too.
  if (rawQuery.includes('%5B%5D')) {
    throw invalid('The query must not have empty brackets.');
  }
  for (const part of rawQuery.split('&')) {
    if (part === '') {
      throw invalid('The query has an empty parameter.');
    }
    const mark = part.indexOf('=');
    const key = decode(mark === -1 ? part : part.slice(0, mark));
    const value = mark === -1 ? '' : decode(part.slice(mark + 1));
    if (!KEY.test(key)) {
      throw invalid('The query has a parameter whose name is not a plain word.');
    }
    const field = shape?.fields.get(key);
    if (!reading.lenient && !isTaken(key, field, reading)) {
      continue;
    }
    add(query, key, value, field);
  }
  return query;
}

/** @throws ApiError 400 for a parameter that no version declares. */
function isTaken(key: string, field: Field | undefined, { version, leaveOut }: Reading): boolean {
  if (field === undefined) {
    throw invalid(
      `Unknown query parameter '${key}': leave it out of this request. Only an admin may send it.`,
    );
  }
  if (isOf(field.versions, version)) {
    return true;
  }
  leaveOut(key);
  return false;
}

function add(query: Map<string, string[]>, key: string, value: string, field: Field | undefined): void {
  if (field !== undefined) {
    checkValue(key, value, field);
  }
  const values = query.get(key);
  if (values === undefined) {
    query.set(key, [value]);
  } else if (field?.list) {
    values.push(value);
  } else {
    throw invalid(`Query parameter '${key}' must be sent once.`);
  }
}

function checkValue(key: string, value: string, field: Field): void {
  // 2.15.1 takes both spellings, later versions the proto name alone.
  if (field.name !== key) {
    throw invalid(`Write the query parameter '${key}' as '${field.name}'.`);
  }
  const { type } = field;
  if (type.kind === 'scalar') {
    readScalarText(type.scalar, value, key);
  } else if (type.kind === 'enum') {
    if (!type.values.has(value)) {
      throw invalid(`Query parameter '${key}' must be one of ${[...type.values.keys()].join(', ')}.`);
    }
  } else {
    throw invalid(`'${key}' cannot be sent in the query.`);
  }
}

/** application/x-www-form-urlencoded, UTF-8 only. */
function decode(text: string): string {
  if (BAD_PERCENT.test(text)) {
    throw invalid('The query has a % that starts no percent-encoding.');
  }
  const decoded = decodeOnce(text.replaceAll('+', ' '));
  if (decoded === undefined) {
    throw invalid('The query is not valid UTF-8.');
  }
  return decoded;
}
