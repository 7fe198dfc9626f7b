/**
 * Invariant 2: what was judged is what is forwarded. Whatever the gateway accepts, every MLflow reads
 * as the gateway did, and reads it to the end.
 */
import { describe, expect, test } from 'vitest';
import { ApiError } from '../../src/errors.ts';
import { bodyAsQuery } from '../../src/mlflow/read/body-as-query.ts';
import { liveRoutes, SAMPLED_VERSIONS, type Shape, shapeOf } from '../../src/mlflow/read/fields.ts';
import { readJson } from '../../src/mlflow/read/json.ts';
import { withoutFields } from '../../src/mlflow/read/leave-out.ts';
import { readMessage } from '../../src/mlflow/read/message.ts';
import { readQuery } from '../../src/mlflow/read/query.ts';
import { readArtifactPath, readTarget } from '../../src/mlflow/read/target.ts';
import { createWritten } from '../../src/mlflow/read/written.ts';
import { artifactPath, jsonText, messageText, queryText, sample } from '../mlflow/read/arbitraries.ts';
import { isMlflow2 } from '../support/mlflow.ts';
import { askOracle, isOracleMissing, ORACLE_VERSIONS } from '../support/oracle.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** The reading, or undefined where the gateway refuses. */
function accepted<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof ApiError && error.status === 400) {
      return undefined;
    }
    throw error;
  }
}

interface Case {
  readonly sent: string;
  readonly question: unknown;
}

/** Cases whose answer is not what it should be, few enough to read. */
function disagreements(version: string, cases: readonly Case[], expected: readonly unknown[] = []) {
  const answers = askOracle(
    version,
    cases.map(({ question }) => question),
  );
  expect(answers).toHaveLength(cases.length);
  return cases
    .map(({ sent }, index) => ({ sent, upstream: answers[index], expected: expected[index] ?? null }))
    .filter(({ upstream, expected }) => JSON.stringify(upstream) !== JSON.stringify(expected))
    .slice(0, 5);
}

const operations = [...new Set(SAMPLED_VERSIONS.flatMap((version) => liveRoutes(version) ?? []))].flatMap(
  (operation) => {
    const shape = shapeOf(operation);
    // What has no protobuf message the oracle cannot ask MLflow's parser about.
    const isProtobuf = shape !== undefined && shape.name !== operation && !shape.name.startsWith('json.');
    return isProtobuf ? [{ operation, shape }] : [];
  },
);

/** A body as it is forwarded to a version, and what was read from it; undefined where it is refused. */
function readFor(version: string, sent: string, shape: Shape) {
  const left: string[] = [];
  const leaveOut = (path: string) => left.push(path);
  const bytes = Buffer.from(sent);
  const written = createWritten(bytes);
  const view = accepted(() =>
    readMessage(readJson(bytes), shape, { version, lenient: false, leaveOut, written }),
  );
  if (view === undefined) {
    return undefined;
  }
  return { view, forwarded: left.length === 0 ? sent : withoutFields(bytes, left).toString() };
}

const ASSESS = 'POST 3.0 traces/:trace_id/assessments';

/** Around the depth at which protobuf stops. */
const DEEP_VALUES = Array.from({ length: 20 }, (_, more) => {
  const value = '['.repeat(40 + more) + ']'.repeat(40 + more);
  return `{"assessment":{"feedback":{"value":${value}},"trace_id":"t"}}`;
});

/** A query as the message it stands for. */
function asMessage(query: ReadonlyMap<string, readonly string[]>, shape: Shape): Record<string, unknown> {
  return Object.fromEntries(
    [...query].map(([name, values]) => {
      const field = shape.fields.get(name);
      const isBool = field?.type.kind === 'scalar' && field.type.scalar === 'bool';
      return [name, field?.list ? values : isBool ? values[0] === 'true' : values[0]];
    }),
  );
}

describe.each(ORACLE_VERSIONS)('MLflow %s', (version) => {
  describe.skipIf(isOracleMissing(version))('reads what the gateway accepts as the gateway does:', () => {
    test('JSON', { timeout: 30_000 }, () => {
      const cases = sample(jsonText, 6000).flatMap((sent): Case[] => {
        const view = accepted(() => readJson(Buffer.from(sent)));
        return view === undefined ? [] : [{ sent, question: { ask: 'json', base64: base64(sent), view } }];
      });
      expect(cases.length).toBeGreaterThan(1000);
      expect(disagreements(version, cases)).toEqual([]);
    });

    test('bodies of every operation', { timeout: 60_000 }, () => {
      const bodies = operations.filter(({ operation }) => !operation.startsWith('GET '));
      const cases = bodies.flatMap(({ operation, shape }) =>
        [...sample(messageText(shape), 150), ...(operation === ASSESS ? DEEP_VALUES : [])].flatMap(
          (sent): Case[] => {
            const read = readFor(version, sent, shape);
            if (read === undefined) {
              return [];
            }
            const { view, forwarded } = read;
            const [method] = operation.split(' ');
            const question = { ask: 'body', message: shape.name, method, base64: base64(forwarded), view };
            return [{ sent: `${operation} ${sent}`, question }];
          },
        ),
      );
      expect(cases.length).toBeGreaterThan(bodies.length * 10);
      expect(disagreements(version, cases)).toEqual([]);
    });

    test('bodies of GETs, as the queries that they become', { timeout: 60_000 }, () => {
      const gets = operations.filter(
        ({ operation, shape }) => operation.startsWith('GET ') && shape.fields.size > 0,
      );
      const cases = gets.flatMap(({ operation, shape }) =>
        sample(messageText(shape), 100).flatMap((sent): Case[] => {
          const bytes = Buffer.from(sent);
          const reading = { version, lenient: false, leaveOut: () => {}, written: createWritten(bytes) };
          const query = accepted(() => bodyAsQuery(readJson(bytes), shape, reading));
          const read = accepted(() => readQuery(query ?? '%', shape));
          if (query === undefined || read === undefined) {
            return [];
          }
          const question = { ask: 'query', message: shape.name, query, view: asMessage(read, shape) };
          return [{ sent: `${operation} ${sent} → ${query}`, question }];
        }),
      );
      expect(cases.length).toBeGreaterThan(gets.length * 5);
      expect(disagreements(version, cases)).toEqual([]);
    });

    test('and what its client writes, the gateway accepts', { timeout: 60_000 }, () => {
      const cases = operations
        .filter(({ operation }) => !operation.startsWith('GET '))
        .flatMap(({ shape }) =>
          sample(messageText(shape), 30)
            .filter((sent) => accepted(() => readMessage(readJson(Buffer.from(sent)), shape)) !== undefined)
            .map((sent) => ({
              shape,
              question: { ask: 'rewrite', message: shape.name, base64: base64(sent) },
            })),
        );
      const written = askOracle(
        version,
        cases.map(({ question }) => question),
      );
      const refused = cases.flatMap(({ shape }, index) => {
        const answer = written[index];
        if (answer === null) {
          return [];
        }
        const { body } = answer as { body: string };
        return accepted(() => readMessage(readJson(Buffer.from(body)), shape)) === undefined ? [body] : [];
      });
      expect(cases.length).toBeGreaterThan(500);
      expect(refused.slice(0, 5)).toEqual([]);
    });

    test('queries of every operation', { timeout: 60_000 }, () => {
      const queries = operations.filter(
        ({ operation, shape }) =>
          operation.startsWith('GET ') && shape.fields.size > 0 && !shape.name.startsWith('GET '),
      );
      const cases = queries.flatMap(({ operation, shape }) =>
        sample(queryText(shape), 150).flatMap((sent): Case[] => {
          const query = accepted(() => readQuery(sent, shape));
          // 2.15.1 answers 500 to these, and does nothing.
          if (query === undefined || (isMlflow2(version) && !/^([^=&]+=[^=&]*(&|$))+$/.test(sent))) {
            return [];
          }
          const view = asMessage(query, shape);
          return [
            {
              sent: `${operation}?${sent}`,
              question: { ask: 'query', message: shape.name, query: sent, view },
            },
          ];
        }),
      );
      expect(cases.length).toBeGreaterThan(queries.length * 10);
      expect(disagreements(version, cases)).toEqual([]);
    });

    test('artifact paths in a parameter', { timeout: 30_000 }, () => {
      const expected: unknown[] = [];
      const cases = sample(artifactPath, 8000).flatMap((sent): Case[] => {
        const segments = accepted(() => readArtifactPath(sent));
        if (segments === undefined) {
          return [];
        }
        expected.push({ path: segments.join('/') });
        return [{ sent, question: { ask: 'path', path: sent } }];
      });
      expect(cases.length).toBeGreaterThan(1000);
      expect(disagreements(version, cases, expected)).toEqual([]);
    });

    test('artifact paths in the target', { timeout: 30_000 }, () => {
      const prefix = '/api/2.0/mlflow-artifacts/artifacts/';
      const expected: unknown[] = [];
      const cases = sample(artifactPath, 8000).flatMap((path): Case[] => {
        if (!path.isWellFormed()) {
          return [];
        }
        const sent = prefix + path.split('/').map(encodeURIComponent).join('/');
        const target = accepted(() => readTarget(sent));
        if (target === undefined) {
          return [];
        }
        // What is forwarded has to mean what was judged: the server decodes it once before MLflow sees it.
        expected.push({ path: target.segments.slice(4).join('/') });
        return [
          { sent, question: { ask: 'path', path: decodeURIComponent(target.path.slice(prefix.length)) } },
        ];
      });
      expect(cases.length).toBeGreaterThan(1000);
      expect(disagreements(version, cases, expected)).toEqual([]);
    });
  });
});
