import { isObject } from '../../mlflow/read/json.ts';

/** A JSON object as it came from the server: nothing about its fields is known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

export const isJsonObject: (value: unknown) => value is JsonObject = isObject;

/** The objects of a list; anything else in it, and anything that is no list, is left out. */
export function objectsIn(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
