import { invalid } from '../../errors.ts';
import type { Shape } from './fields.ts';
import { type Reading, readMessage } from './message.ts';

/**
 * Writes what the JSON body of a GET says as a query. MLflow looks there where the query is empty, and clients of its
 * early days ask so; its later servers read the query alone.
 *
 * @param json - as readJson gives it.
 * @param shape - the declared parameters; without one every field is taken that is text, a number, true or false.
 * @returns what follows the `?`; empty if the body says nothing.
 * @throws ApiError 400 for what is of a wrong type, or cannot be said in a query.
 */
export function bodyAsQuery(
  json: Readonly<Record<string, unknown>>,
  shape: Shape | undefined,
  reading: Reading,
): string {
  const message = shape === undefined ? json : readMessage(json, shape, reading);
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(message)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null) {
        query.append(name, asText(each, name));
      }
    }
  }
  return query.toString();
}

function asText(value: unknown, name: string): string {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      throw invalid(`'${name}' cannot be sent with a GET: it is not text, a number, true or false.`);
  }
}
