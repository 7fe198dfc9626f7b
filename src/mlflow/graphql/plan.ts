import { getVariableValues } from 'graphql';
import { invalid } from '../../errors.ts';
import { MAX_REFERENCES, tooMany } from './limits.ts';
import { writeNarrowed } from './narrow.ts';
import { orInvalid, readOperation } from './operation.ts';
import { type GraphqlReference, referencesOf } from './references.ts';
import { schema } from './schema.ts';
import { sift } from './sieve.ts';

/** What has to be judged before a GraphQL request goes on, and what has to be done with its answer. */
export interface GraphqlPlan {
  /** Everything that the chosen operation reads, each once; READ is needed on all of it but what is listed. */
  readonly references: readonly GraphqlReference[];
  /** Whether the answer can hold model versions, so that it must pass through `keep`. */
  readonly filters: boolean;
  /** A copy of the upstream's parsed answer without the versions of models that may not be read. */
  keep(reply: unknown, mayReadModel: (name: string) => boolean): unknown;
  /** The document to ask with where an experiment in a list may not be read. */
  narrowed(mayRead: (experimentId: string) => boolean): string;
  /**
   * The body, to be sent with 200, for a caller who lacks READ on a reference. `errors` holds plain
   * strings as MLflow's own does, and MLflow's interface shows them.
   *
   * @see `_graphql` in mlflow/server/handlers.py
   */
  refusal(message: string): unknown;
}

const KEYS: ReadonlySet<string> = new Set(['query', 'variables', 'operationName']);

/**
 * Reads the body of `POST /graphql` as MLflow would: the chosen operation, its variables and defaults.
 *
 * @param body - the parsed JSON object; keys that were sent twice are already refused.
 * @throws ApiError 400 for whatever cannot be read in one way only, or would not be answered anyway
 */
export function planGraphql(body: Readonly<Record<string, unknown>>): GraphqlPlan {
  const foreign = Object.keys(body).find((key) => !KEYS.has(key));
  if (foreign !== undefined) {
    throw invalid('GraphQL: a body holds query, variables and operationName only.');
  }
  const { query } = body;
  // Python and JavaScript disagree on what a lone surrogate is.
  if (typeof query !== 'string' || !query.isWellFormed()) {
    throw invalid('GraphQL: query must be a text.');
  }
  const operationName = body['operationName'] ?? undefined;
  if (operationName !== undefined && typeof operationName !== 'string') {
    throw invalid('GraphQL: operationName must be a text.');
  }
  const operation = readOperation(query, operationName);
  const variables = readVariables(body['variables'] ?? {}, operation.variables);
  const references = orInvalid(() =>
    distinct(operation.fields.flatMap((field) => referencesOf(operation.root, field, variables))),
  );
  if (references.length > MAX_REFERENCES) {
    throw tooMany('experiments and runs', MAX_REFERENCES);
  }

  const { sieve, responseKeys } = operation;
  const whole = sieve && { within: new Map([['data', sieve]]) };
  return {
    references,
    filters: whole !== undefined,
    keep: (reply, mayReadModel) => (whole ? sift(reply, whole, mayReadModel) : reply),
    narrowed: (mayRead) => writeNarrowed(operation, variables, mayRead),
    refusal: (message) => ({
      data: Object.fromEntries(responseKeys.map((key) => [key, null])),
      errors: [message],
    }),
  };
}

function readVariables(sent: unknown, declared: Parameters<typeof getVariableValues>[1]) {
  if (typeof sent !== 'object' || sent === null || Array.isArray(sent)) {
    throw invalid('GraphQL: variables must be an object.');
  }
  const read = orInvalid(() =>
    getVariableValues(schema, declared, { ...sent }, { maxErrors: 1, hideSuggestions: true }),
  );
  if (read.errors) {
    throw invalid(`GraphQL: ${read.errors[0]?.message ?? 'The variables cannot be read.'}`);
  }
  return read.variableValues;
}

/** Each once; what must be readable as a whole counts as that, though it stands in a list besides. */
function distinct(references: readonly GraphqlReference[]): GraphqlReference[] {
  const known = new Map<string, GraphqlReference>();
  for (const reference of references) {
    const key = `${reference.kind} ${reference.id}`;
    const before = known.get(key);
    if (before === undefined || before.listed) {
      known.set(key, reference);
    }
  }
  return [...known.values()];
}
