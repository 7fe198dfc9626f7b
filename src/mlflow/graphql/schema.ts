import { buildSchema, GraphQLSchema } from 'graphql';
import { SCHEMA_SDL } from './schema.generated.ts';

/** The only directive MLflow declares; `@skip` and `@include` it refuses. */
const DIRECTIVES: ReadonlySet<string> = new Set(['component']);

const built = buildSchema(SCHEMA_SDL).toConfig();

/**
 * The schema of the newest MLflow covered. Every older one is a part of it, save for the name of one
 * type; a field that an upstream lacks is refused by the upstream itself.
 *
 * `buildSchema` adds GraphQL's own directives, which would let a document through whose fields depend
 * on a variable: MLflow knows none of them, so neither does this.
 *
 * @see mlflow/server/graphql/graphql_schema_extensions.py
 */
export const schema = new GraphQLSchema({
  ...built,
  directives: built.directives.filter(({ name }) => DIRECTIVES.has(name)),
});
