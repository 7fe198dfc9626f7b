import { type GraphQLObjectType, getNamedType, isObjectType, type SelectionSetNode } from 'graphql';
import { invalid } from '../../errors.ts';
import { isObject } from '../read/json.ts';
import { schema } from './schema.ts';
import { type Fragments, fieldsByKey } from './selections.ts';

/**
 * The one type that belongs to another root than the field it is reached through, whichever way it is
 * reached (`mlflowSearchModelVersions.modelVersions`, `run.modelVersions`), and the field that names
 * that root.
 */
const FOREIGN = { type: 'MlflowModelVersion', name: 'name' } as const;

/** Where in an answer the rows stand that must be looked at, by the keys the caller chose. */
export type Sieve =
  | { readonly rows: { readonly nameKey: string } }
  | { readonly within: ReadonlyMap<string, Sieve> };

/**
 * Finds the model versions in what selection sets of a type ask for; undefined if there are none.
 *
 * @throws ApiError 400 if model versions are asked for without their name
 */
export function sieveOf(
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
  fragments: Fragments,
): Sieve | undefined {
  const fields = fieldsByKey(sets, fragments);
  if (type.name === FOREIGN.type) {
    for (const [nameKey, [field]] of fields) {
      if (field.name.value === FOREIGN.name) {
        return { rows: { nameKey } };
      }
    }
    throw invalid('GraphQL: select `name` wherever model versions are selected, so that they can be judged.');
  }
  const within = new Map<string, Sieve>();
  for (const [key, nodes] of fields) {
    const inner = getNamedType(schema.getField(type, nodes[0].name.value)?.type);
    if (!isObjectType(inner)) {
      continue;
    }
    const sieve = sieveOf(
      inner,
      nodes.flatMap(({ selectionSet }) => selectionSet ?? []),
      fragments,
    );
    if (sieve) {
      within.set(key, sieve);
    }
  }
  return within.size > 0 ? { within } : undefined;
}

/**
 * A copy of an answer without the model versions that may not be read. What does not have the shape
 * the sieve expects is dropped, never passed.
 *
 * @param mayReadModel - whether the caller may read the registered model of that name.
 */
export function sift(value: unknown, sieve: Sieve, mayReadModel: (name: string) => boolean): unknown {
  if (Array.isArray(value)) {
    return value
      .filter((item) => !('rows' in sieve) || isReadable(item, sieve.rows.nameKey, mayReadModel))
      .map((item) => ('rows' in sieve ? item : sift(item, sieve, mayReadModel)));
  }
  if (!isObject(value)) {
    return null;
  }
  if ('rows' in sieve) {
    return isReadable(value, sieve.rows.nameKey, mayReadModel) ? value : null;
  }
  // `fromEntries` defines its keys: assigning one that a caller called `__proto__` would hide the copy.
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => {
      const inner = sieve.within.get(key);
      return [key, inner ? sift(child, inner, mayReadModel) : child];
    }),
  );
}

function isReadable(item: unknown, nameKey: string, mayReadModel: (name: string) => boolean): boolean {
  if (!isObject(item) || !Object.hasOwn(item, nameKey)) {
    return false;
  }
  const name = item[nameKey];
  return typeof name === 'string' && mayReadModel(name);
}
