import { type Action, allows } from './permissions.ts';
import { ALL, type Root, type RootKind, rootAround } from './resources.ts';

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

/** A ceiling as the API and the audit log show it; null for none. */
export function scopeJson(ceiling: Ceiling | undefined) {
  if (ceiling === undefined) {
    return null;
  }
  const { access, resources } = ceiling;
  return {
    ...(access !== undefined && { access }),
    ...(resources !== undefined && {
      resources: resources.map(({ kind, id }) => ({ resource_type: kind, resource_id: id })),
    }),
  };
}

/** Why a ceiling forbids an action on a root; undefined if it does not. */
export function cutBy(ceiling: Ceiling, action: Action, root: Root): string | undefined {
  if (ceiling.access === 'read' && !allows('READ', action)) {
    return 'the scope of the credential is reading';
  }
  if (ceiling.resources !== undefined && !holds(ceiling.resources, root)) {
    return `the scope of the credential does not hold ${root.kind} ${root.id}`;
  }
  return undefined;
}

/** Whether nothing passes the first that the second would stop. */
export function isWithin(inner: Ceiling | undefined, outer: Ceiling | undefined): boolean {
  if (outer?.access === 'read' && inner?.access !== 'read') {
    return false;
  }
  const { resources } = outer ?? {};
  return resources === undefined || (inner?.resources?.every((each) => holds(resources, each)) ?? false);
}

/** Whether one of the roots of a scope is this root, or the one that it lies in. */
export function holds(scope: readonly Root[], root: Root): boolean {
  const around = rootAround(root);
  return (
    scope.some((each) => isSame(each, root)) ||
    kindsOf(root).every((kind) => scope.some((each) => each.id === ALL && each.kind === kind)) ||
    (around !== undefined && holds(scope, around))
  );
}

/** The kinds that a root may be of: while it is not known whether a name is a model's or a prompt's, both. */
function kindsOf({ kind, id, isPrompt }: Root): readonly RootKind[] {
  // As a pattern it stands for its own kind alone.
  if (!isOfRegistry(kind) || id === ALL) {
    return [kind];
  }
  if (isPrompt === undefined) {
    return ['registered_model', 'prompt'];
  }
  return [isPrompt ? 'prompt' : 'registered_model'];
}

/** A name of the registry is a model's or a prompt's, never both: a scope that names it means what has the name. */
function isSame(a: Root, b: Root): boolean {
  const sharesNames = a.id !== ALL && isOfRegistry(a.kind) && isOfRegistry(b.kind);
  return a.id === b.id && (a.kind === b.kind || sharesNames);
}

const isOfRegistry = (kind: RootKind): boolean => kind === 'registered_model' || kind === 'prompt';
