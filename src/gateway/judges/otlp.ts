import { ApiError, denied, invalid } from '../../errors.ts';
import {
  readJsonSpanExport,
  readSpanExport,
  type SpanExport,
  TRACE_TAG_PREFIX,
} from '../../mlflow/read/otlp.ts';
import { needOfKey, needOfSpanKey } from '../../mlflow/things/acted-on-keys.ts';
import type { Judge } from '../judge/judge.ts';
import { judgeAll } from '../judge/judge-all.ts';
import { textsAt } from '../locate/locate.ts';
import { readable } from '../locate/readable.ts';
import type { Reference } from '../reference.ts';
import type { Special } from './special.ts';

/** Traces of one export: each is looked up. The OpenTelemetry SDKs send 512 spans at most unless told otherwise. */
const MOST_TRACES = 1000;

/**
 * Judges an export of spans. MLflow adds spans to whatever trace they name, in whatever experiment that
 * lies (verified on 3.17.2): each trace must be new, or lie in the experiment that the header names.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp-request
 */
export function otlp(judge: Judge): Special {
  return async (request, caller) => {
    const bytes = request.way.bytes ?? Buffer.alloc(0);
    const { traceIds, attributeKeys } = readAs(request.raw.headers['content-type'], bytes);
    if (traceIds.size > MOST_TRACES) {
      throw invalid(`Send the spans of at most ${MOST_TRACES} traces at once.`);
    }
    for (const key of attributeKeys) {
      // MLflow 3.17 makes a tag of the trace from it, after all its own checks of tags.
      const tag = key.startsWith(TRACE_TAG_PREFIX) ? key.slice(TRACE_TAG_PREFIX.length) : undefined;
      const asked = tag === undefined ? needOfSpanKey(key) : needOfKey('trace', tag);
      if (asked !== undefined) {
        throw denied(`Only an admin may set the attribute '${key}': ${asked.why}.`);
      }
    }
    const [experimentId] = textsAt('header.x-mlflow-experiment-id', readable(request));
    const references = [...traceIds].map(
      (id): Reference => ({ kind: 'trace', id, action: 'update', fresh: { in: experimentId } }),
    );
    await judgeAll(request, caller, references, judge);
    return undefined;
  };
}

function readAs(contentType: string | undefined, bytes: Buffer): SpanExport {
  switch (contentType?.split(';')[0]?.trim()) {
    case 'application/x-protobuf':
      return readSpanExport(bytes);
    case 'application/json':
      return readJsonSpanExport(bytes);
    default:
      throw unsupported('Send spans as application/x-protobuf or application/json.');
  }
}

const unsupported = (message: string) => new ApiError('BAD_REQUEST', message, { status: 415 });
