import { type Action, allows } from './permissions.ts';
import { ALL, type Root } from './resources.ts';

/**
 * The most that a credential may do, whatever its user may do. It is applied before anything else is asked: before
 * roles, before the default permission and before the admin flag.
 */
export interface Ceiling {
  /** Nothing but reading. */
  readonly access?: 'read';
  /** Nothing but these roots and what is inside them; a pattern of `*` is all of a kind. */
  readonly resources?: readonly Root[];
}

/** Why a ceiling forbids an action on a root; undefined if it does not. */
export function cutBy(ceiling: Ceiling, action: Action, root: Root): string | undefined {
  if (ceiling.access === 'read' && !allows('READ', action)) {
    return 'the scope of the credential is reading';
  }
  if (ceiling.resources !== undefined && !ceiling.resources.some((each) => covers(each, root))) {
    return `the scope of the credential does not hold ${root.kind} ${root.id}`;
  }
  return undefined;
}

/** Whether a root of a scope is this root, or the one that it lies in. */
function covers(scope: Root, root: Root): boolean {
  if (scope.kind === root.kind || sharesNames(scope, root)) {
    return scope.id === ALL ? scope.kind === root.kind : scope.id === root.id;
  }
  // A scorer is named `<experiment id>/<name>` and lies in its experiment.
  return scope.kind === 'experiment' && root.kind === 'scorer' && root.id.split('/', 1)[0] === scope.id;
}

/** A name is a model's or a prompt's, never both. */
function sharesNames(a: Root, b: Root): boolean {
  const registry = ['registered_model', 'prompt'];
  return registry.includes(a.kind) && registry.includes(b.kind);
}
