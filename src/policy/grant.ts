import type { Permission } from './permissions.ts';

/** A permission on one resource, or on all of a kind with the pattern `*`. */
export interface Grant {
  readonly resourceType: string;
  readonly resourcePattern: string;
  readonly permission: Permission;
  /** Where the grant comes from, for explanations: `user` itself, or the name of a role. */
  readonly via: 'user' | { readonly role: string };
}
