import { propertyAt } from '../../mlflow/read/property-at.ts';

/** What stands in a list of a reply; without a list, the reply is about one thing alone. */
export function listedIn(reply: unknown, list: string | undefined): readonly unknown[] {
  if (list === undefined) {
    return [reply];
  }
  const listed = propertyAt(reply, list);
  return Array.isArray(listed) ? listed : [];
}
