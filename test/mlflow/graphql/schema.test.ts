import {
  BreakingChangeType,
  buildSchema,
  findSchemaChanges,
  getNamedType,
  isObjectType,
  lexicographicSortSchema,
  printSchema,
  SafeChangeType,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { ROOT_FIELDS } from '../../../src/mlflow/graphql/root-fields.ts';
import { SCHEMA_SDL } from '../../../src/mlflow/graphql/schema.generated.ts';
import { schema } from '../../../src/mlflow/graphql/schema.ts';
import { NEWEST, OLDEST } from '../../support/mlflow.ts';
import { python } from './upstream.ts';

const dump = (version: string) => python(version, 'scripts/dump_graphql.py');

describe('the embedded schema', () => {
  test('is the one of the newest MLflow, to the letter', { timeout: 120_000 }, () => {
    expect(SCHEMA_SDL).toBe(dump(NEWEST));
    expect(`${printSchema(lexicographicSortSchema(schema))}\n`).toBe(SCHEMA_SDL);
  });

  test('lacks nothing of the oldest MLflow but the old name of one type', { timeout: 120_000 }, () => {
    const losses = findSchemaChanges(buildSchema(dump(OLDEST)), schema)
      .filter(({ type }) => !Object.values<string>(SafeChangeType).includes(type))
      // GraphQL's own, which `buildSchema` adds and MLflow does not have.
      .filter(({ type }) => type !== BreakingChangeType.DIRECTIVE_REMOVED)
      .map(({ description }) => description);
    expect(losses).toEqual([
      'MlflowMetric was removed.',
      'Field MlflowRunData.metrics changed type from [MlflowMetric!] to [MlflowMetricExtension!].',
    ]);
  });

  test('knows no directive but @component', () => {
    expect(schema.getDirectives().map(({ name }) => name)).toEqual(['component']);
  });

  test('has a rule for every root field, and no rule for anything else', () => {
    const fields = [schema.getQueryType(), schema.getMutationType()].flatMap((type) =>
      Object.keys(type?.getFields() ?? {}),
    );
    expect(new Set([...fields, '__schema', '__type', '__typename'])).toEqual(new Set(ROOT_FIELDS.keys()));
    expect(schema.getSubscriptionType()).toBeUndefined();
  });

  test.each([
    ['MlflowExperiment', ['MlflowGetExperimentResponse.experiment', 'MlflowRunExtension.experiment']],
    ['MlflowRunExtension', ['MlflowGetRunResponse.run', 'MlflowSearchRunsResponse.runs']],
    [
      'MlflowModelVersion',
      ['MlflowRunExtension.modelVersions', 'MlflowSearchModelVersionsResponse.modelVersions'],
    ],
  ])('reaches %s only by the ways that were thought of', (name, ways) => {
    const found = Object.values(schema.getTypeMap())
      .filter(isObjectType)
      .flatMap((type) =>
        Object.values(type.getFields())
          .filter((field) => getNamedType(field.type).name === name)
          .map((field) => `${type.name}.${field.name}`),
      );
    expect(found.sort()).toEqual(ways);
  });

  test('has nested fields without arguments, so that only root fields can name what they read', () => {
    const withArguments = Object.values(schema.getTypeMap())
      .filter(isObjectType)
      .filter((type) => !type.name.startsWith('__') && type !== schema.getQueryType())
      .filter((type) => type !== schema.getMutationType())
      .flatMap((type) => Object.values(type.getFields()).filter(({ args }) => args.length > 0));
    expect(withArguments).toEqual([]);
  });
});
