import { joinId } from '../../mlflow/things/identifiers.ts';
import type { JsonObject } from '../../mlflow/upstream/answer-json.ts';

/** The id of a row: one column, or two joined. */
export function idOf(row: JsonObject, column: string): string {
  const [first = '', second] = column.split('/');
  return second === undefined ? String(row[first]) : joinId(String(row[first]), String(row[second]));
}
