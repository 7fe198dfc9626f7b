import { DEFAULT_WORKSPACE } from '../store/workspace.ts';
import type { SignedIn } from './principal.ts';

/** A workspace of an MLflow that has them. */
export interface Workspace {
  readonly name: string;
  /** Whether everybody is in the default one, with `default_permission`, a role there or not. */
  readonly opensDefault: boolean;
}

/** Whether everybody is in a workspace. */
export const isOpen = ({ name, opensDefault }: Workspace): boolean =>
  opensDefault && name === DEFAULT_WORKSPACE;

/** Whether a caller may enter a workspace: has a role in it, or was granted something there. */
export function isPresent(caller: SignedIn, workspace: Workspace): boolean {
  return isOpen(workspace) || caller.standingIn(workspace.name).isPresent;
}

/**
 * A caller in a workspace: of all that they were granted, what was granted there counts, and nothing else. A credential
 * that is confined to some things names them without a workspace, and means those of the default one.
 */
export function within(caller: SignedIn, { name, opensDefault }: Workspace): SignedIn {
  const { ceiling, workspaces: held } = caller;
  const { grantsOn, grantsOfKind } = caller.standingIn(name);
  return {
    ...caller,
    workspace: name,
    grantsOn,
    grantsOfKind,
    workspaces: { has: (each) => (opensDefault && each === DEFAULT_WORKSPACE) || held?.has(each) === true },
    ceiling:
      ceiling?.resources === undefined || name === DEFAULT_WORKSPACE
        ? ceiling
        : { ...ceiling, resources: [] },
  };
}
