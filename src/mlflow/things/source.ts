import { invalid } from '../../errors.ts';
import { readArtifactPath } from '../read/target.ts';
import type { ReferenceKind } from '../table/row.ts';

/** What an address that MLflow will read from later points at. */
export type Pointer =
  | {
      readonly kind: Extract<ReferenceKind, 'run' | 'logged_model' | 'registered_model' | 'artifact'>;
      readonly id: string;
    }
  /** Says nothing: a placeholder that is never read. */
  | { readonly kind: 'nothing' }
  /** An address of its own, to be compared with where a run or model of the request keeps its files. */
  | { readonly kind: 'storage'; readonly uri: string }
  /** Cannot be tied to anything that holds grants. */
  | { readonly kind: 'unknown' };

const LOGGED_MODEL = /^m-[0-9a-f]{32}$/;
/** MLflow's own stand-ins for the source of a prompt version (mlflow/prompt/constants.py). */
const PLACEHOLDERS: ReadonlySet<string> = new Set(['', 'dummy-source', 'prompt-template']);

/**
 * What a decoder or parser further on could turn into another address: encodings, queries and fragments,
 * dot segments, blanks that Python strips, and what it takes for a slash on some systems.
 */
const AMBIGUOUS = /[%?#\\]|(?:^|\/)\.{1,2}(?:\/|$)|\p{Cc}|^\s|\s$/u;

const UNKNOWN: Pointer = { kind: 'unknown' };

/**
 * Reads the `source` of a model version. It is fetched with the server's rights by a caller who may read
 * the model, so creating a version needs READ on what it points at.
 *
 * @see POST /api/2.0/mlflow/model-versions/create
 */
export function readSource(source: string): Pointer {
  if (PLACEHOLDERS.has(source)) {
    return { kind: 'nothing' };
  }
  if (AMBIGUOUS.test(source)) {
    return UNKNOWN;
  }
  const [, scheme, rest = ''] = /^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/.exec(source) ?? [undefined, '', source];
  switch (scheme) {
    case 'runs': {
      const [runId] = segmentsOf(rest);
      return runId === undefined ? UNKNOWN : { kind: 'run', id: runId };
    }
    case 'models':
      return readModelAddress(segmentsOf(rest));
    case 'mlflow-artifacts':
      // With a host it is another server's, or this one's by another way.
      if (rest.startsWith('//')) {
        return UNKNOWN;
      }
      return { kind: 'artifact', id: readArtifactPath(rest.replace(/^\//, '')).join('/') };
    default:
      return { kind: 'storage', uri: source };
  }
}

/**
 * `m-…`, `name/version`, `name/stage` or `name@alias`, split where MLflow splits: a name may have an `@`.
 *
 * @see _parse_model_uri in mlflow/store/artifact/utils/models.py
 */
function readModelAddress([first, second, ...more]: readonly string[]): Pointer {
  if (first === undefined || more.length > 0) {
    return UNKNOWN;
  }
  if (second !== undefined) {
    return { kind: 'registered_model', id: first };
  }
  if (LOGGED_MODEL.test(first)) {
    return { kind: 'logged_model', id: first };
  }
  const at = first.lastIndexOf('@');
  return at > 0 ? { kind: 'registered_model', id: first.slice(0, at) } : UNKNOWN;
}

/** Whether `uri` is the directory `root` or lies in it; both without dot segments. */
export function liesIn(uri: string, root: string): boolean {
  const base = root.endsWith('/') ? root.slice(0, -1) : root;
  return base !== '' && (uri === base || uri.startsWith(`${base}/`));
}

/**
 * The registered model that a prompt's address names: `prompts:/name/1`, `prompts:/name@alias`, `name`.
 *
 * @throws ApiError 400 for an address that MLflow could read in another way.
 */
export function readPromptUri(uri: string): string {
  const isAddress = uri.startsWith('prompts:');
  const [first = '', second, ...more] = isAddress ? segmentsOf(uri.slice('prompts:'.length)) : [uri, ''];
  const name = second === undefined ? first.slice(0, Math.max(0, first.lastIndexOf('@'))) : first;
  if (AMBIGUOUS.test(uri) || name === '' || more.length > 0) {
    throw invalid('Write the prompt as prompts:/name/version, prompts:/name@alias or name.');
  }
  return name;
}

/** Of `/first/second`; none if it is anything else, such as `//host/…`, which names another server. */
function segmentsOf(rest: string): readonly string[] {
  const segments = rest.slice(1).split('/');
  return rest.startsWith('/') && (segments.length === 1 || segments[0] !== '')
    ? segments.filter((segment, index) => segment !== '' || index < segments.length - 1)
    : [];
}
