import { propertyAt } from '../../mlflow/read/property-at.ts';
import { joinId } from '../../mlflow/things/identifiers.ts';
import type { JsonObject } from '../../mlflow/upstream/answer-json.ts';

/** The id of a row: one column, or two joined, or the name of a skill. */
export function idOf(row: JsonObject, column: string): string {
  if (column.startsWith('@')) {
    return String(propertyAt(row, column));
  }
  const [first = '', second] = column.split('/');
  return second === undefined ? String(row[first]) : joinId(String(row[first]), String(row[second]));
}
