import { invalid } from '../../errors.ts';
import { readArtifactPath } from './artifact-path.ts';
import { decodeOnce, encodeSegment } from './percent.ts';

export { readArtifactPath } from './artifact-path.ts';

/** A request's target, read one way only. */
export interface Target {
  /** The one spelling of the path: what is matched, judged and forwarded. */
  readonly path: string;
  /** The path's segments, decoded; behind an artifact prefix decoded until nothing is left to decode. */
  readonly segments: readonly string[];
  /** What follows the `?`, as received; undefined without one. */
  readonly rawQuery: string | undefined;
}

/** Bytes. */
export const MAX_TARGET_LENGTH = 16_384;

/** A target that is canonical as it stands: RFC 3986 pchars, nothing encoded in the path, no dot segment. */
const PLAIN = /^(?=\/)(?:\/(?!\.{1,2}(?:[/?]|$))[\w.~!$&'()*+,;:=@-]+)*\/?(?:\?[\w.~!$&'()*+,;:=@/?-]*)?$/;

/** Every character that RFC 3986 allows in a path and query. */
const RFC_3986 = /^\/[\w.~!$&'()*+,;:=@/%-]*(?:\?[\w.~!$&'()*+,;:=@/?%-]*)?$/;

const BAD_PERCENT = /%(?![0-9A-Fa-f]{2})/;

/** Paths whose tail is an artifact path; the families of mlflow/protos/mlflow_artifacts.proto. */
const ARTIFACTS =
  /^\/(?:ajax-)?api\/2\.0\/mlflow-artifacts\/(?:artifacts|presigned|mpu\/(?:create|complete|abort))\//;

/**
 * A server of the MCP registry is named `namespace/slug`, and MLflow's own client encodes that slash. Starlette
 * decodes a path before it routes it, so the name is two segments either way.
 */
const MCP_SERVER = /^(\/(?:ajax-)?api\/3\.0\/mlflow\/mcp-servers\/[^/]+?)%2[Ff]/;

/** What an encoded segment must not hide: a slash, a second encoding, a control character. */
const HIDDEN = /[/\\%\p{Cc}]/u;

/** MLflow's own words, by which clients tell what is wrong. */
const INVALID_PATH = 'Invalid path';

/** A client that joins `http://host/` and `/api` asks for `//api`. */
const LEADING_SLASHES = /^\/{2,}/;

/**
 * Brings a request's target into its one canonical form. Werkzeug and Starlette decode before they
 * route, Node's URL class drops dot segments, Flask redirects a doubled slash: whatever two of them
 * could read differently has no canonical form. Slashes at its start are one, for all that comes after this.
 *
 * @param sent - the target as it stands in the request line (RFC 9112, section 3.2.1, origin form).
 * @throws ApiError 400.
 */
export function readTarget(sent: string): Target {
  const rawUrl = sent.replace(LEADING_SLASHES, '/');
  if (rawUrl.length > MAX_TARGET_LENGTH) {
    throw invalid(`The request target is longer than ${MAX_TARGET_LENGTH} bytes.`);
  }
  const mark = rawUrl.indexOf('?');
  const rawPath = mark === -1 ? rawUrl : rawUrl.slice(0, mark);
  const rawQuery = mark === -1 ? undefined : rawUrl.slice(mark + 1);
  if (PLAIN.test(rawUrl) && !ARTIFACTS.test(rawPath)) {
    return { path: rawPath, segments: rawPath.slice(1).split('/'), rawQuery };
  }
  if (!rawUrl.startsWith('/')) {
    throw invalid('The request target must be a path that starts with a slash.');
  }
  if (!RFC_3986.test(rawUrl)) {
    throw invalid('The request target has a character that must be percent-encoded (RFC 3986).');
  }
  if (BAD_PERCENT.test(rawUrl)) {
    throw invalid('The request target has a % that starts no percent-encoding.');
  }
  return { ...readPath(rawPath.replace(MCP_SERVER, '$1/')), rawQuery };
}

/** The target as it is judged and forwarded: canonical path, query as received. */
export function writeTarget({ path, rawQuery }: Target): string {
  return rawQuery === undefined ? path : `${path}?${rawQuery}`;
}

function readPath(rawPath: string): { path: string; segments: readonly string[] } {
  const raw = rawPath.slice(1).split('/');
  const head: string[] = [];
  let path = '';
  for (const [index, rawSegment] of raw.entries()) {
    const segment = readSegment(rawSegment, index === raw.length - 1);
    head.push(segment);
    path += `/${encodeSegment(segment)}`;
    if (index < raw.length - 1 && ARTIFACTS.test(`${path}/`)) {
      const tail = readArtifactPath(decodeOrRefuse(raw.slice(index + 1).join('/'), INVALID_PATH));
      if (tail.length === 0) {
        throw invalid(INVALID_PATH);
      }
      return { path: `${path}/${tail.map(encodeSegment).join('/')}`, segments: [...head, ...tail] };
    }
  }
  return { path, segments: head };
}

function readSegment(raw: string, isLast: boolean): string {
  const segment = decodeOrRefuse(raw, 'The path is not valid UTF-8.');
  if (segment === '.' || segment === '..') {
    throw invalid(INVALID_PATH, { because: 'the path has a dot segment' });
  }
  if (segment === '' && !isLast) {
    throw invalid(INVALID_PATH, { because: 'the path has an empty segment' });
  }
  if (HIDDEN.test(segment)) {
    throw invalid(INVALID_PATH, {
      because: 'the path hides a slash, a backslash, a percent sign or a control character',
    });
  }
  return segment;
}

function decodeOrRefuse(raw: string, message: string): string {
  const decoded = decodeOnce(raw);
  if (decoded === undefined) {
    throw invalid(message);
  }
  return decoded;
}
