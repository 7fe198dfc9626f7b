import { ApiError } from '../errors.ts';
import type { Reply } from '../reply.ts';

/** Asked by probes, which know nothing of a prefix. */
const AT_THE_ROOT = /^\/(?:health|ready)(?:\?|$)/;

/**
 * Takes the prefix off a target, before anything else is read of it: rows know no prefix, so that what begins with it
 * is judged as if it did not.
 *
 * @param prefix - such as `/mlflow`; empty for none.
 * @returns the rest; or a redirect from the prefix itself to the page below, whose links are relative.
 * @throws ApiError 404 for what lies outside.
 */
export function withoutPrefix(rawUrl: string, prefix: string): string | Reply {
  if (prefix === '' || AT_THE_ROOT.test(rawUrl)) {
    return rawUrl;
  }
  if (rawUrl === prefix || rawUrl.startsWith(`${prefix}?`)) {
    return { status: 308, headers: { location: `${prefix}/` }, because: 'the prefix itself' };
  }
  // Spelled as it is set: what is encoded, doubled or in other letters is another path.
  if (!rawUrl.startsWith(`${prefix}/`)) {
    throw new ApiError('ENDPOINT_NOT_FOUND', `Nothing is served here. Ask below ${prefix}/.`);
  }
  return rawUrl.slice(prefix.length);
}
