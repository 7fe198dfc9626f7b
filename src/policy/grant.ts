import type { Permission } from './permissions.ts';
import { ALL } from './resources.ts';

/** A permission on one resource, or on all of a kind with the pattern `*`. */
export interface Grant {
  readonly resourceType: string;
  readonly resourcePattern: string;
  readonly permission: Permission;
  /** Where the grant comes from, for explanations: `user` itself, or the name of a role. */
  readonly via: 'user' | { readonly role: string };
}

/** Whether a grant makes its holder an administrator of the workspace that it is given in. */
export function isAdministration({
  resourceType,
  resourcePattern,
  permission,
}: Pick<Grant, 'resourceType' | 'resourcePattern'> & { readonly permission: unknown }): boolean {
  return resourceType === 'workspace' && resourcePattern === ALL && permission === 'MANAGE';
}
