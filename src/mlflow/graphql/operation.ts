import {
  type DocumentNode,
  type FieldNode,
  GraphQLError,
  type GraphQLObjectType,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  parse,
  specifiedRules,
  type VariableDefinitionNode,
  validate,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { type ApiError, invalid } from '../../errors.ts';
import { checkLimits, PARSE_LIMITS } from './limits.ts';
import { schema } from './schema.ts';
import { fieldsByKey, fragmentsOf } from './selections.ts';
import { type Sieve, sieveOf } from './sieve.ts';

/** The operation that a request chose, valid and within bounds; variables are still to come. */
export interface Operation {
  /** The whole document that it stands in. */
  readonly document: DocumentNode;
  /** Undefined for one without a name. */
  readonly name: string | undefined;
  /** `Query` or `Mutation`. */
  readonly root: GraphQLObjectType;
  readonly variables: readonly VariableDefinitionNode[];
  /** The root fields, as often as they are written. */
  readonly fields: readonly FieldNode[];
  /** The keys of `data` in the answer. */
  readonly responseKeys: readonly string[];
  /** Where under `data` model versions stand, if anywhere. */
  readonly sieve: Sieve | undefined;
}

/** The interface of MLflow sends four documents, over and over. Bounded by length, as it is clients who fill it. */
const known = new LRUCache<string, Operation>({ max: 100, maxSize: 200_000 });

/**
 * Reads and validates a document and picks the operation that MLflow would run.
 *
 * @param operationName - as sent; absent if the document has one operation alone.
 * @throws ApiError 400
 */
export function readOperation(query: string, operationName: string | undefined): Operation {
  // A name cannot hold a line break, so two pairs never share a key.
  if (operationName !== undefined && !/^\w+$/.test(operationName)) {
    throw unknownOperation();
  }
  const key = `${operationName ?? ''}\n${query}`;
  const cached = known.get(key);
  if (cached) {
    return cached;
  }
  const operation = orInvalid(() => readAnew(query, operationName));
  known.set(key, operation, { size: key.length });
  return operation;
}

/**
 * Runs a step of reading; what graphql-js throws becomes a 400.
 *
 * @throws ApiError 400
 */
export function orInvalid<T>(step: () => T): T {
  try {
    return step();
  } catch (cause) {
    if (cause instanceof GraphQLError) {
      throw invalid(`GraphQL: ${cause.message}`, { cause });
    }
    // Nested so deeply that the parser ran out of stack.
    if (cause instanceof RangeError) {
      throw invalid('GraphQL: the document is nested too deeply.', { cause });
    }
    throw cause;
  }
}

function readAnew(query: string, operationName: string | undefined): Operation {
  const document = parse(query, PARSE_LIMITS);
  checkLimits(document);
  const [error] = validate(schema, document, specifiedRules, { maxErrors: 1, hideSuggestions: true });
  if (error) {
    throw error;
  }

  const { name, operation, selectionSet, variableDefinitions } = chosen(document, operationName);
  const root = operation === OperationTypeNode.SUBSCRIPTION ? undefined : schema.getRootType(operation);
  if (!root) {
    throw invalid('GraphQL: MLflow answers queries and mutations only.');
  }
  const fragments = fragmentsOf(document);
  const fields = fieldsByKey([selectionSet], fragments);
  return {
    document,
    name: name?.value,
    root,
    variables: variableDefinitions ?? [],
    fields: [...fields.values()].flat(),
    responseKeys: [...fields.keys()],
    sieve: sieveOf(root, [selectionSet], fragments),
  };
}

function chosen(document: DocumentNode, operationName: string | undefined): OperationDefinitionNode {
  const operations = document.definitions.filter(
    (definition) => definition.kind === Kind.OPERATION_DEFINITION,
  );
  if (operationName === undefined && operations.length > 1) {
    throw invalid('GraphQL: a document with several operations needs an operationName.');
  }
  const operation =
    operationName === undefined
      ? operations[0]
      : operations.find(({ name }) => name?.value === operationName);
  if (!operation) {
    throw unknownOperation();
  }
  return operation;
}

function unknownOperation(): ApiError {
  return invalid('GraphQL: the document has no operation of that name.');
}
