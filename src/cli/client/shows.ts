import type { Shows } from './command.ts';
import { type JsonObject, objectsIn } from './json.ts';
import type { Column } from './render-table.ts';

/** The one object under a key of the answer. */
export const one = (key: string, columns: readonly Column[]): Shows => ({
  list: false,
  pick: (reply) => objectsIn([reply[key]]),
  columns,
});

/** The list under a key of the answer. */
export const many = (key: string, columns: readonly Column[]): Shows => ({
  list: true,
  pick: (reply) => objectsIn(reply[key]),
  columns,
});

/** A time of the API (milliseconds since the epoch) as people read it, to the second; `otherwise` where there is none. */
export const time =
  (field: string, otherwise = '') =>
  (row: JsonObject): string => {
    const at = row[field];
    return typeof at === 'number' ? `${new Date(at).toISOString().slice(0, -5)}Z` : otherwise;
  };

/** A text; `otherwise` where there is none. */
export const textOr =
  (field: string, otherwise: string) =>
  (row: JsonObject): string => {
    const text = row[field];
    return typeof text === 'string' ? text : otherwise;
  };
