import type { FastifyRequest } from 'fastify';
import { queryShapeOf } from '../mlflow/read/fields.ts';
import { readJson } from '../mlflow/read/json.ts';
import { readMessage } from '../mlflow/read/message.ts';
import { readQuery } from '../mlflow/read/query.ts';
import type { Operation } from '../mlflow/table/match.ts';
import { attempt } from './attempt.ts';
import { locate } from './locate/locate.ts';
import { type Readable, readable } from './locate/readable.ts';

/** One thing that a request touched. */
export interface Touched {
  readonly kind: string;
  readonly id: string;
}

/** More than this are not named: a search over a thousand experiments is one line all the same. */
const MOST = 20;

/**
 * What a request touched, for log and audit: everything that was judged, and the roots that it belongs to.
 *
 * The request of a caller who may do everything is not judged. It is located here, after its answer, and leniently:
 * what cannot be read is not named.
 */
export function touchedBy(request: FastifyRequest): readonly Touched[] {
  const { judged, unrestricted, operation } = request.way;
  const found = new Map<string, Touched>();
  const add = ({ kind, id }: Touched) => {
    if (found.size < MOST) {
      found.set(`${kind} ${id}`, { kind, id });
    }
  };
  for (const { reference, roots } of judged) {
    add(reference);
    roots.forEach(add);
  }
  if (unrestricted && operation !== undefined) {
    locatedIn(request, operation).forEach(add);
  }
  return [...found.values()];
}

function locatedIn(request: FastifyRequest, operation: Operation): readonly Touched[] {
  if (operation.locators.length === 0) {
    return [];
  }
  const whole = readAfterwards(request, operation);
  return operation.locators.flatMap((locator) => attempt(() => locate([locator], 'read', whole)) ?? []);
}

/** A longer body is not read for its log line alone. */
const MOST_READ_BYTES = 64 * 1024;

/** The parts of a request, read now where nothing had to read them before. */
function readAfterwards(request: FastifyRequest, operation: Operation): Readable {
  const read = readable(request);
  const { bytes, target } = request.way;
  const isUnread = Object.keys(read.body).length === 0 && bytes !== undefined && bytes.length > 0;
  const body =
    isUnread && bytes.length <= MOST_READ_BYTES ? attempt(() => readBody(bytes, operation)) : undefined;
  const query =
    read.query.size > 0 || !target.rawQuery
      ? undefined
      : attempt(() => readQuery(target.rawQuery ?? '', queryShapeOf(operation.name)));
  return { ...read, ...(body && { body }), ...(query && { query }) };
}

function readBody(bytes: Buffer, { reading, shape, skim }: Operation) {
  if (reading.body !== 'json') {
    return undefined;
  }
  const skimmed = skim?.(bytes, undefined);
  if (skimmed !== undefined) {
    return skimmed;
  }
  const json = readJson(bytes);
  return shape === undefined ? json : readMessage(json, shape);
}
