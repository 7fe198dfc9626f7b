import { readArtifactPath } from './read/target.ts';
import type { ReferenceKind } from './row.ts';

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
/** MLflow's own stand-in for the source of a prompt version. */
const PLACEHOLDERS: ReadonlySet<string> = new Set(['', 'dummy-source']);

/**
 * Reads the `source` of a model version. It is fetched with the server's rights by whoever may read
 * the model, so creating a version needs READ on what it points at.
 *
 * @see POST /api/2.0/mlflow/model-versions/create
 */
export function readSource(source: string): Pointer {
  if (PLACEHOLDERS.has(source)) return { kind: 'nothing' };
  // Anything that a decoder further on could turn into another path is nobody's but the admin's.
  if (/[%?#\\]|(?:^|\/)\.{1,2}(?:\/|$)|\p{Cc}/u.test(source)) return { kind: 'unknown' };
  const [, scheme, rest = ''] = /^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/.exec(source) ?? [undefined, '', source];
  switch (scheme) {
    case 'runs': {
      const [runId] = segmentsOf(rest);
      return runId === undefined ? { kind: 'unknown' } : { kind: 'run', id: runId };
    }
    case 'models': {
      const [first] = segmentsOf(rest);
      if (first === undefined) return { kind: 'unknown' };
      if (LOGGED_MODEL.test(first)) return { kind: 'logged_model', id: first };
      const name = first.split('@')[0];
      return name ? { kind: 'registered_model', id: name } : { kind: 'unknown' };
    }
    case 'mlflow-artifacts':
      // With a host it is another server's, or this one's by another way.
      if (rest.startsWith('//')) return { kind: 'unknown' };
      return { kind: 'artifact', id: readArtifactPath(rest.replace(/^\//, '')).join('/') };
    default:
      return { kind: 'storage', uri: source };
  }
}

/** Whether `uri` is the directory `root` or lies in it; both without dot segments. */
export function liesIn(uri: string, root: string): boolean {
  const base = root.endsWith('/') ? root.slice(0, -1) : root;
  return base !== '' && (uri === base || uri.startsWith(`${base}/`));
}

/** The registered model that a prompt's address names: `prompts:/name/1`, `prompts:/name@alias`, `name`. */
export function readPromptUri(uri: string): string {
  const path = uri.replace(/^prompts:\/*/, '');
  const cut = Math.max(path.lastIndexOf('@'), path.lastIndexOf('/'));
  return cut > 0 ? path.slice(0, cut) : path;
}

function segmentsOf(rest: string): string[] {
  // `runs:/id/path`; `runs://profile@host/id/path` names another server.
  if (!rest.startsWith('/') || rest.startsWith('//')) return [];
  return rest.slice(1).split('/').filter(Boolean);
}
