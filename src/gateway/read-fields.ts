import type { FastifyRequest } from 'fastify';
import { bodyAsQuery } from '../mlflow/read/body-as-query.ts';
import { NO_FIELDS, queryShapeOf } from '../mlflow/read/fields.ts';
import { readJson } from '../mlflow/read/json.ts';
import { withoutFields, withoutParameters } from '../mlflow/read/leave-out.ts';
import { readMessage } from '../mlflow/read/message.ts';
import { readQuery } from '../mlflow/read/query.ts';
import { nearestVersion } from '../mlflow/read/versions.ts';
import { createWritten } from '../mlflow/read/written.ts';
import type { Operation } from '../mlflow/table/match.ts';
import type { Upstream } from '../mlflow/upstream/upstream.ts';

/**
 * Reads the fields of a request into its way. No field, no entry: of what users send, MLflow gets the fields alone that
 * its version declares. A field that only other versions declare is left out, as the version in front would leave it;
 * one that none declares is refused.
 */
export interface FieldReader {
  /** @throws ApiError 400. */
  query(request: FastifyRequest, operation: Operation, rawQuery: string): void;
  /**
   * The query that says what the body of a GET does; it is read by {@link query} afterwards, as any other.
   *
   * @throws ApiError 400.
   */
  bodyAsQuery(request: FastifyRequest, operation: Operation, bytes: Buffer): string;
  /** @throws ApiError 400. */
  body(request: FastifyRequest, operation: Operation, bytes: Buffer): void;
}

/** The version in front is known without asking: a request waits for nothing. */
export function createFieldReader(upstream: Pick<Upstream, 'lastVersion'>): FieldReader {
  const versionInFront = createVersionInFront(upstream);
  return {
    query(request, operation, rawQuery) {
      const { way } = request;
      const left = new Set<string>();
      const lenient = takesAny(request, operation);
      const shape = queryShapeOf(operation.name) ?? (lenient ? undefined : NO_FIELDS);
      const leaveOut = (name: string) => left.add(name);
      way.query = readQuery(rawQuery, shape, { version: versionInFront(), lenient, leaveOut });
      if (left.size > 0) {
        way.target = { ...way.target, rawQuery: withoutParameters(rawQuery, left) };
      }
    },
    bodyAsQuery(request, operation, bytes) {
      const lenient = takesAny(request, operation);
      const shape = queryShapeOf(operation.name) ?? (lenient ? undefined : NO_FIELDS);
      const reading = {
        version: versionInFront(),
        lenient,
        leaveOut: () => {},
        written: createWritten(bytes),
      };
      return bodyAsQuery(readJson(bytes), shape, reading);
    },
    body(request, operation, bytes) {
      const { way } = request;
      const skimmed = operation.skim?.(bytes, versionInFront());
      if (skimmed !== undefined) {
        way.readAs = versionInFront();
        way.body = skimmed;
        return;
      }
      const json = readJson(bytes);
      const left: string[] = [];
      const lenient = takesAny(request, operation);
      const shape = operation.shape ?? (lenient ? undefined : NO_FIELDS);
      if (shape === undefined) {
        way.body = json;
        return;
      }
      const leaveOut = (path: string) => left.push(path);
      const written = createWritten(bytes);
      way.readAs = versionInFront();
      way.body = readMessage(json, shape, { version: way.readAs, lenient, leaveOut, written });
      if (left.length > 0) {
        way.bytes = withoutFields(bytes, left);
      }
    },
  };
}

/** The version whose fields a request may have: that of the upstream, or the nearest that is known. */
function createVersionInFront({ lastVersion }: Pick<Upstream, 'lastVersion'>): () => string | undefined {
  let last: string | undefined;
  let nearest: string | undefined;
  return () => {
    const said = lastVersion();
    if (said !== last) {
      last = said;
      nearest = said === undefined ? undefined : nearestVersion(said);
    }
    return nearest;
  };
}

/** Whether fields that no version declares are let through, as nobody judges by them. */
function takesAny({ way }: FastifyRequest, { need, reading }: Operation): boolean {
  return way.unrestricted || need === 'public' || reading.fields === 'any';
}
