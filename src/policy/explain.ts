import type { Decision, Grounds } from './decide.ts';
import type { Grant } from './grant.ts';
import { type Action, PERMISSION_FOR, type Permission } from './permissions.ts';
import { ALL } from './resources.ts';

/** Every action, from what asks least to what asks most. */
export const ACTIONS = ['read', 'use', 'update', 'delete', 'manage'] as const satisfies readonly Action[];

/** One thing that bears on what a user may do. */
export interface Source {
  readonly source: 'user' | 'role' | 'default' | 'admin' | 'token';
  /** Of the role, of the setting, or the id of the credential; undefined for the user's own. */
  readonly name: string | undefined;
  readonly resourceType: string | undefined;
  readonly resourcePattern: string;
  readonly permission: Permission;
}

/** What a user may do to a thing, and why. */
export interface Explanation {
  /** NO_PERMISSIONS where nothing is allowed, by whatever refusal. */
  readonly permission: Permission;
  readonly actions: readonly Action[];
  readonly because: string;
  readonly sources: readonly Source[];
}

/**
 * Puts the decisions about every action into words. It decides nothing: what it says is what the decisions say.
 *
 * @param decisions - one for each of {@link ACTIONS}, in their order.
 * @param credential - the id of the credential whose scope cut some of it, if it has one.
 */
export function explain(
  decisions: readonly Decision[],
  defaultPermission: Permission,
  credential?: string,
): Explanation {
  const actions = ACTIONS.filter((_, index) => decisions[index]?.allow === true);
  const strongest = actions.at(-1);
  const decisive = decisions[strongest === undefined ? 0 : ACTIONS.indexOf(strongest)];
  const permission = strongest === undefined ? 'NO_PERMISSIONS' : PERMISSION_FOR[strongest];
  const isCut = decisions.some(({ from }) => from === 'scope');
  const scope: Source = {
    source: 'token',
    name: credential,
    resourceType: undefined,
    resourcePattern: ALL,
    permission,
  };
  return {
    permission,
    actions,
    because: decisive?.because ?? 'nothing was decided',
    sources: [...sourcesOf(decisive?.from, defaultPermission), ...(isCut ? [scope] : [])],
  };
}

function sourcesOf(from: Grounds | undefined, defaultPermission: Permission): readonly Source[] {
  const general = { resourceType: undefined, resourcePattern: ALL };
  switch (from) {
    case undefined:
    case 'scope':
      return [];
    case 'admin':
      return [{ source: 'admin', name: undefined, ...general, permission: 'MANAGE' }];
    case 'default':
      return [{ source: 'default', name: 'default_permission', ...general, permission: defaultPermission }];
    default:
      return from.map(sourceOf);
  }
}

function sourceOf({ via, resourceType, resourcePattern, permission }: Grant): Source {
  return {
    source: via === 'user' ? 'user' : 'role',
    name: via === 'user' ? undefined : via.role,
    resourceType,
    resourcePattern,
    permission,
  };
}
