import type { Grant } from '../store/types.ts';
import { type Action, allows, PERMISSION_FOR, type Permission, refuses, stronger } from './permissions.ts';
import type { Root } from './resources.ts';

/** The outcome, with the reason that audit log and `explain` show. */
export interface Decision {
  readonly allow: boolean;
  readonly because: string;
}

/** What one caller holds on one root, and why. */
export interface Holding {
  readonly permission: Permission;
  readonly because: string;
}

/** Whoever has signed in, reduced to what a decision looks at. */
export interface Subject {
  readonly isAdmin: boolean;
  /** Grants on exactly this root and on all of its kind (`*`). */
  grantsOn(root: Root): readonly Grant[];
}

const ADMIN: Decision = { allow: true, because: 'admin' };

/**
 * The effective permission: any refusal among the grants takes everything away; else the highest of
 * the user's own grants and those of its roles; else the server's default.
 */
export function effectivePermission(grants: readonly Grant[], defaultPermission: Permission): Holding {
  let best: Grant | undefined;
  for (const grant of grants) {
    if (refuses(grant.permission)) {
      return { permission: grant.permission, because: `${source(grant)} holds ${grant.permission}` };
    }
    if (best === undefined || stronger(best.permission, grant.permission) !== best.permission) best = grant;
  }
  if (best === undefined) {
    return { permission: defaultPermission, because: `no grant; default_permission is ${defaultPermission}` };
  }
  return { permission: best.permission, because: `${source(best)} holds ${best.permission}` };
}

/** Decides one action on one root. Pure: no I/O, no clock. */
export function decide(
  subject: Subject,
  action: Action,
  root: Root,
  defaultPermission: Permission,
): Decision {
  if (subject.isAdmin) return ADMIN;
  const held = effectivePermission(subject.grantsOn(root), defaultPermission);
  return allows(held.permission, action)
    ? { allow: true, because: held.because }
    : {
        allow: false,
        because: `needs ${PERMISSION_FOR[action]} on ${root.kind} ${root.id}; ${held.because}`,
      };
}

function source(grant: Grant): string {
  const who = grant.via === 'user' ? 'user' : `role ${grant.via.role}`;
  return grant.resourcePattern === '*' ? `${who} (all of the kind)` : who;
}
