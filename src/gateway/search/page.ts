import { joinId } from '../../mlflow/things/identifiers.ts';
import type { JsonObject } from '../../mlflow/upstream/answer-json.ts';

/** The id of a row: one column, or two joined. */
export function idOf(row: JsonObject, column: string): string {
  const [first = '', second] = column.split('/');
  return second === undefined ? String(row[first]) : joinId(String(row[first]), String(row[second]));
}

/** A token as MLflow makes it; none for the first page. */
export function upstreamToken(offset: number): string | undefined {
  if (offset === 0) return undefined;
  return Buffer.from(JSON.stringify({ offset })).toString('base64');
}

/** The offset in a token that MLflow made. */
export function offsetOf(token: unknown): number | undefined {
  if (typeof token !== 'string' || token === '') return undefined;
  try {
    const { offset } = JSON.parse(Buffer.from(token, 'base64').toString('utf8')) as { offset?: unknown };
    return typeof offset === 'number' ? offset : undefined;
  } catch {
    return undefined;
  }
}
