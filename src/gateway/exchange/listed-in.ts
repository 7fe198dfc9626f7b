import { propertyAt } from '../../mlflow/read/property-at.ts';
import { type JsonObject, rowsIn } from '../../mlflow/upstream/answer-json.ts';

/**
 * What stands in a list of a reply; without a list, the reply is about one thing alone.
 *
 * @throws ApiError 503 for what is no list of objects.
 */
export function listedIn(reply: JsonObject, list: string | undefined): readonly JsonObject[] {
  return list === undefined ? [reply] : rowsIn(propertyAt(reply, list));
}
