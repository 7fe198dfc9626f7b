import { type FieldNode, type GraphQLObjectType, getArgumentValues, type VariableValues } from 'graphql';
import { invalid } from '../../errors.ts';
import { isCanonical } from '../things/identifiers.ts';
import { ROOT_FIELDS } from './root-fields.ts';
import { schema } from './schema.ts';

/** Something that a root field reads, as MLflow writes its id. */
export interface GraphqlReference {
  readonly kind: 'experiment' | 'run';
  readonly id: string;
  /** It stands in a list that is cut down to what may be read. */
  readonly listed?: true;
}

/**
 * What one root field reads once variables and defaults are in place.
 *
 * @throws ApiError 400 for an unknown field, for ids that are missing, contradict each other or are not
 *   written as MLflow writes them; GraphQLError for arguments that do not fit
 */
export function referencesOf(
  root: GraphQLObjectType,
  field: FieldNode,
  variables: VariableValues,
): GraphqlReference[] {
  const name = field.name.value;
  const rule = ROOT_FIELDS.get(name);
  const definition = schema.getField(root, name);
  if (!rule || !definition) {
    throw invalid(`GraphQL: the field ${name} is not served here.`);
  }
  if (rule.touches === 'nothing' && rule.takes === undefined) {
    return [];
  }

  const { input } = getArgumentValues(definition, field, variables);
  if (rule.touches === 'nothing') {
    refuseOthers(name, input ?? {}, rule.takes ?? []);
    return [];
  }
  if (typeof input !== 'object' || input === null) {
    throw invalid(`GraphQL: ${name} needs an input.`);
  }
  const given = new Map<string, unknown>(Object.entries(input));
  const { kind } = rule;

  if (rule.touches === 'each' || rule.touches === 'readable') {
    const ids = given.get(rule.from) ?? [];
    if (!Array.isArray(ids)) {
      throw invalid(`GraphQL: ${name} needs a list in ${rule.from}.`);
    }
    return ids.map((id) => ({
      kind,
      id: canonical(kind, id, name),
      ...(rule.touches === 'readable' && { listed: true as const }),
    }));
  }
  const ids = new Set(
    rule.from
      .map((key) => given.get(key))
      .filter((id) => id !== undefined && id !== null)
      .map((id) => canonical(kind, id, name)),
  );
  const [id] = ids;
  if (id === undefined) {
    throw invalid(`GraphQL: ${name} needs ${rule.from.join(' or ')}.`);
  }
  // MLflow takes the first that is not empty; a caller who judges another one is led astray.
  if (ids.size > 1) {
    throw invalid(`GraphQL: ${rule.from.join(' and ')} of ${name} differ.`);
  }
  return [{ kind, id }];
}

function refuseOthers(field: string, input: object, taken: readonly string[]): void {
  for (const [key, value] of Object.entries(input)) {
    if (value !== null && value !== undefined && !taken.includes(key)) {
      throw invalid(`GraphQL: ${field} is served without ${key}. Use the REST search to go page by page.`);
    }
  }
}

function canonical(kind: GraphqlReference['kind'], id: unknown, field: string): string {
  if (typeof id !== 'string' || !isCanonical(kind, id)) {
    throw invalid(`GraphQL: ${field} has an id that no ${kind} has.`);
  }
  return id;
}
