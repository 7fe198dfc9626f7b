import { describe, expect, test } from 'vitest';
import table from '../../../src/mlflow/read/fields.generated.json' with { type: 'json' };
import { liveRoutes, queryShapeOf, SAMPLED_VERSIONS, shapeOf } from '../../../src/mlflow/read/fields.ts';
import { HANDLER_BODIES, HANDLER_QUERIES } from '../../../src/mlflow/read/handler-fields.ts';
import { NEWEST, OLDEST, STARTED } from '../../support/mlflow.ts';

const namesOf = (shape: ReturnType<typeof shapeOf>) => [
  ...new Set([...(shape?.fields.values() ?? [])].map(({ name }) => name)),
];

describe('the fields of an operation', () => {
  test('are found under both of their spellings', () => {
    const fields = shapeOf('POST 2.0 runs/log-metric')?.fields;
    expect(fields?.get('run_id')).toMatchObject({ name: 'run_id', jsonName: 'runId', list: false });
    expect(fields?.get('runId')).toBe(fields?.get('run_id'));
    expect(fields?.get('RUN_ID')).toBeUndefined();
  });

  test('hold messages, also such as hold themselves', () => {
    const span = shapeOf('POST 3.0 traces')?.fields.get('trace');
    expect(span?.type).toMatchObject({ kind: 'message', shape: { name: 'Trace' } });
    expect(() => Object.keys(table.operations).map(shapeOf)).not.toThrow();
  });

  test('are those of all versions', () => {
    // run_uuid is of every version, model_id of 3.x.
    expect(namesOf(shapeOf('POST 2.0 runs/log-metric'))).toEqual(
      expect.arrayContaining(['run_uuid', 'model_id']),
    );
    expect(shapeOf('POST 3.0 issues/search')).toBeDefined();
  });

  test('are unknown for what MLflow does not declare', () => {
    expect(shapeOf('GET /health')).toBeUndefined();
    expect(shapeOf('POST ajax 2.0 upload-artifact')).toBeUndefined();
    expect(shapeOf('POST nonsense')).toBeUndefined();
    expect(shapeOf('__proto__')).toBeUndefined();
  });
});

describe('the query of an operation', () => {
  test('is the message of a GET and what its handler looks up by itself', () => {
    expect(namesOf(queryShapeOf('GET 2.0 runs/get'))).toEqual(['run_id', 'run_uuid']);
    expect(namesOf(queryShapeOf('GET 2.0 logged-models/:model_id'))).toEqual(['model_id', 'allow_deleted']);
    expect(namesOf(shapeOf('GET /get-artifact'))).toEqual(['run_id', 'run_uuid', 'path']);
    expect(namesOf(queryShapeOf('GET 3.0 mcp-servers'))).toContain('order_by');
  });

  test('is not the message of another method', () => {
    expect(queryShapeOf('POST 2.0 runs/log-metric')).toBeUndefined();
    expect(namesOf(queryShapeOf('POST ajax 2.0 upload-artifact'))).toEqual(['run_id', 'run_uuid', 'path']);
  });
});

describe('the generated table', () => {
  test('covers the oldest and the newest version', () => {
    expect([SAMPLED_VERSIONS[0], SAMPLED_VERSIONS.at(-1)]).toEqual([OLDEST, NEWEST]);
    expect(SAMPLED_VERSIONS).toContain(STARTED);
    expect(liveRoutes('2.15.1')).toContain('POST 2.0 runs/log-metric');
    expect(liveRoutes('3.17.2')).toContain('GET artifacts 2.0 artifacts/*artifact_path');
    expect(liveRoutes('1.0.0')).toBeUndefined();
  });

  test('names only operations that some version serves', () => {
    const served = new Set(SAMPLED_VERSIONS.flatMap((version) => liveRoutes(version) ?? []));
    const named = [table.operations, HANDLER_QUERIES, HANDLER_BODIES].flatMap((part) => Object.keys(part));
    expect(named.filter((operation) => !served.has(operation))).toEqual([]);
  });

  test('has no field named like a oneof, which protobuf would take for a clash', () => {
    for (const [message, fields] of Object.entries<Record<string, string>>(table.messages)) {
      const oneofs = Object.values(fields).flatMap((type) => type.split(' @').slice(1));
      expect(
        oneofs.filter((oneof) => oneof in fields),
        message,
      ).toEqual([]);
    }
  });
});
