import { type ApiError, invalid } from '../../errors.ts';
import { decodeOnce } from './percent.ts';

/** More than any client nests; MLflow gives up after ten rounds. */
const MAX_ROUNDS = 5;

/** Where MLflow itself says no, and characters that its two versions read differently. */
const FORBIDDEN = /[\\#\p{Cc}]/u;

/**
 * MLflow sends the path through `urlunparse(urlparse(path))` (mlflow/utils/uri.py `_decode`), which is
 * not the identity: it drops leading blanks, a trailing `?` and an empty `;`, lower-cases a scheme and
 * puts slashes behind those that have a host.
 */
const REWRITTEN_BY_URLPARSE = /^ |\?$|(?:^|\/)[^;/?]*;(?:\?|$)/;
const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):/;

/** Schemes that urllib gives a host (`uses_netloc`), and `file`, by which MLflow leaves its root. */
const SCHEMES_WITH_HOST = new Set(
  (
    'file ftp git git+ssh gopher http https imap itms-services mms nfs nntp prospero rsync rtsp rtsps rtspu ' +
    'sftp shttp snews svn svn+ssh telnet wais ws wss'
  ).split(' '),
);

/**
 * Reads an artifact path as MLflow does, which decodes until nothing changes, and keeps only those that
 * it reads one way: the result, joined by slashes, is what MLflow arrives at.
 *
 * @param decodedOnce - the path after the decoding that every parameter undergoes; `''` is the root.
 * @returns its segments, without `.` and empty ones, which disappear on disk.
 * @throws ApiError 400 with MLflow's own message.
 */
export function readArtifactPath(decodedOnce: string): string[] {
  const path = decodeUntilStable(decodedOnce);
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (path.startsWith('/') || FORBIDDEN.test(path) || !path.isWellFormed() || segments.includes('..')) {
    throw refusal();
  }
  // Of the joined path, which has all that the raw one could have and is what stands in a target.
  if (isRewritten(segments.join('/'))) {
    throw refusal();
  }
  return segments;
}

function decodeUntilStable(text: string): string {
  let path = text;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const decoded = decodeOnce(path);
    if (decoded === undefined) {
      throw refusal();
    }
    if (decoded === path) {
      return path;
    }
    path = decoded;
  }
  throw refusal();
}

function isRewritten(path: string): boolean {
  const scheme = SCHEME.exec(path)?.[1];
  if (scheme !== undefined && (/[A-Z]/.test(scheme) || SCHEMES_WITH_HOST.has(scheme))) {
    return true;
  }
  return REWRITTEN_BY_URLPARSE.test(path);
}

function refusal(): ApiError {
  return invalid('Invalid path');
}
