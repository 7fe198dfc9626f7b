import { unavailable } from '../../errors.ts';
import { isObject } from '../read/json.ts';
import { parseLossless } from '../read/lossless.ts';
import type { Answer } from './upstream.ts';

/** An answer as MLflow gives it, or a row of a list in one: a JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads a successful answer. MLflow answers with a JSON object; what is none comes from something between, or was cut.
 *
 * @throws ApiError 503.
 */
export function readAnswer(answer: Pick<Answer, 'bytes'>): JsonObject {
  return readWith(JSON.parse, answer);
}

/**
 * Reads a successful answer that is to be written again by {@link withBody}: every number stays as it is written.
 *
 * @throws ApiError 503.
 */
export function readAnswerExactly(answer: Pick<Answer, 'bytes'>): JsonObject {
  return readWith(parseLossless, answer);
}

/**
 * The rows of a list in an answer; none where the list is left out, as protobuf does with an empty one.
 *
 * @throws ApiError 503 if it is no list of objects.
 */
export function rowsIn(list: unknown): readonly JsonObject[] {
  if (list === undefined || list === null) {
    return [];
  }
  if (!Array.isArray(list) || !list.every(isObject)) {
    throw unreadable('no list of objects');
  }
  return list;
}

/**
 * The answer with another JSON body.
 *
 * @throws ApiError 503 if it is nested too deeply to be written.
 */
export function withBody(answer: Answer, body: unknown): Answer {
  try {
    return { ...answer, bytes: Buffer.from(JSON.stringify(body)) };
  } catch (cause) {
    throw unreadable(cause);
  }
}

/** The body of any answer as JSON, for what it may tell beside its status; undefined if it is none. */
export function replyJson({ bytes }: Pick<Answer, 'bytes'>): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function readWith(parse: (text: string) => unknown, { bytes }: Pick<Answer, 'bytes'>): JsonObject {
  let json: unknown;
  try {
    json = parse(bytes.toString('utf8'));
  } catch (cause) {
    throw unreadable(cause);
  }
  if (!isObject(json)) {
    throw unreadable('no JSON object');
  }
  return json;
}

function unreadable(cause: unknown) {
  return unavailable('The MLflow server gave an answer that cannot be read. Try again in a moment.', cause);
}
