import { type DefinitionNode, type DocumentNode, Kind, type ParseOptions } from 'graphql';
import { type ApiError, invalid } from '../../errors.ts';
import { type Fragments, fieldsOf, fragmentsOf } from './selections.ts';

/** Bounds on the text alone; the largest document of MLflow's interface has 120 tokens. */
export const PARSE_LIMITS = {
  maxSourceLength: 50_000,
  maxLexicalTokens: 4_000,
  maxComments: 500,
  noLocation: true,
} as const satisfies ParseOptions;

/**
 * The caps of MLflow 3, counted as it counts them; 2.15 has none, so that one small request could ask
 * for the same thing thousands of times.
 *
 * @see CVE-2025-0453
 * @see mlflow/server/graphql/graphql_no_batching.py
 */
const MAX_DEPTH = 10;
const MAX_ROOT_FIELDS = 10;
const MAX_ALIASES_PER_LEVEL = 10;
const MAX_SELECTIONS = 1_000;

/** How many things one request may have judged, as each can cost a look-up at the upstream. */
export const MAX_REFERENCES = 1_000;

/**
 * Refuses a document that is too large to work on. Comes before validation, whose cost grows with the
 * square of the number of fields; so fragments that nothing uses, which validation would refuse, are
 * bounded too.
 *
 * @throws ApiError 400
 */
export function checkLimits(document: DocumentNode): void {
  const fragments = fragmentsOf(document);
  const operations = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  const rootFields = operations.reduce(
    (sum, operation) =>
      sum + ('selectionSet' in operation ? fieldsOf([operation.selectionSet], fragments).length : 0),
    0,
  );
  if (rootFields > MAX_ROOT_FIELDS) {
    throw tooMany('root fields', MAX_ROOT_FIELDS);
  }
  checkSelections(operations, fragments);
  checkSelections([...fragments.values()], fragments);
}

function checkSelections(definitions: readonly DefinitionNode[], fragments: Fragments): void {
  const levels = definitions.flatMap((definition) =>
    'selectionSet' in definition ? [{ set: definition.selectionSet, depth: 1 }] : [],
  );
  let selections = 0;
  // Depth and the number of selections end this also where fragments go in a circle.
  for (let level = levels.pop(); level !== undefined; level = levels.pop()) {
    const { set, depth } = level;
    if (depth > MAX_DEPTH) {
      throw tooMany('levels', MAX_DEPTH);
    }
    const fields = fieldsOf([set], fragments);
    selections += fields.length;
    if (selections > MAX_SELECTIONS) {
      throw tooMany('selections', MAX_SELECTIONS);
    }
    const aliases = fields.filter(({ alias }) => alias !== undefined).length;
    if (aliases > MAX_ALIASES_PER_LEVEL) {
      throw tooMany('aliases at one level', MAX_ALIASES_PER_LEVEL);
    }
    for (const { alias, selectionSet } of fields) {
      // GraphQL reserves them, and `__proto__` as a key of the answer is a trap for a caller who reads it.
      if (alias?.value.startsWith('__')) {
        throw invalid('GraphQL: an alias must not begin with two underscores.');
      }
      if (selectionSet) {
        levels.push({ set: selectionSet, depth: depth + 1 });
      }
    }
  }
}

/** 400 for a request that asks for too much at once. */
export function tooMany(what: string, limit: number): ApiError {
  return invalid(`GraphQL: at most ${limit} ${what} are allowed in one request.`);
}
