import { GRANT_PERMISSIONS, PERMISSIONS, type Permission } from './permissions.ts';
import { ALL, PART_KINDS, ROOT_KINDS, type RootKind } from './resources.ts';

/** What MLflow 3.18 takes as a resource type, in the order its messages list them. */
const TYPES: readonly string[] = [...ROOT_KINDS, ...PART_KINDS].sort();
const PARTS: ReadonlySet<string> = new Set(PART_KINDS);
const ROOTS: ReadonlySet<string> = new Set(ROOT_KINDS);

/** The order of MLflow's own table, which its messages show. */
const SPELLED = ['READ', 'USE', 'EDIT', 'MANAGE', 'NO_PERMISSIONS', 'DENY'] as const;
const ON_WORKSPACES: readonly string[] = ['MANAGE', 'USE'];
/** Nothing uses a skill without reading it. */
const ON_SKILLS: readonly string[] = ['DENY', 'EDIT', 'MANAGE', 'READ'];
/** In the order of MLflow's messages. */
const ON_RESOURCES: readonly string[] = [...GRANT_PERMISSIONS].sort();

/**
 * What is wrong with a resource type, in MLflow's own words; undefined if nothing is.
 *
 * @see mlflow/server/auth/permissions.py (`_validate_resource_type`)
 */
export function typeProblem(type: string): string | undefined {
  return TYPES.includes(type)
    ? undefined
    : `Invalid resource type '${type}'. Valid resource types are: ${tuple(TYPES)}`;
}

/**
 * What is wrong with a pattern of a type; undefined if nothing is. The workspace and everything inside a root is granted
 * as a whole, because a search could not tell one run from another.
 */
export function patternProblem(type: string, pattern: string): string | undefined {
  const whole = PARTS.has(type) || type === 'workspace';
  return (
    typeProblem(type) ??
    (whole && pattern !== ALL
      ? `Invalid resource_pattern '${pattern}' for resource_type='${type}'. ` +
        "This resource type supports only wildcard ('*') grants."
      : undefined)
  );
}

/** What is wrong with a permission on a type; undefined if nothing is. */
export function permissionProblem(permission: string, type: string): string | undefined {
  if (permissionNamed(permission) === undefined) {
    return `Invalid permission '${permission}'. Valid permissions are: ${tuple(SPELLED)}`;
  }
  const problem = typeProblem(type);
  if (problem !== undefined) {
    return problem;
  }
  const [scope, grantable] = grantableOn(type);
  return grantable.includes(permission)
    ? undefined
    : `Invalid permission '${permission}' for resource_type='${type}'. ${scope} grants accept only: ${tuple(grantable)}.`;
}

/** What grants on a type accept, and what MLflow calls such grants. */
function grantableOn(type: string): readonly [scope: string, permissions: readonly string[]] {
  switch (type) {
    case 'workspace':
      return ['Workspace-wide', ON_WORKSPACES];
    case 'skill':
      return ['Skill Registry', ON_SKILLS];
    default:
      return ['Resource-level', ON_RESOURCES];
  }
}

/** The permission of that name; undefined if there is none. */
export function permissionNamed(name: string): Permission | undefined {
  return PERMISSIONS.find((each) => each === name);
}

/** Whether a resource type is one that holds grants of its own, as opposed to something inside one. */
export function isRootKind(type: string): type is RootKind {
  return ROOTS.has(type);
}

/** A list as Python prints a tuple. */
function tuple(names: readonly string[]): string {
  return `(${names.map((name) => `'${name}'`).join(', ')})`;
}
