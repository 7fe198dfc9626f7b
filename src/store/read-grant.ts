import type { Grant } from '../policy/grant.ts';
import { PERMISSIONS, type Permission } from '../policy/permissions.ts';
import { ROOT_KINDS } from '../policy/resources.ts';

const PERMISSION_NAMED: ReadonlyMap<string, Permission> = new Map(PERMISSIONS.map((name) => [name, name]));
const TYPE_NAMED: ReadonlyMap<string, string> = new Map(ROOT_KINDS.map((name) => [name, name]));

/** A permission as stored. One this version does not know refuses everything: silence never grants. */
export function readPermission(stored: string): Permission {
  return PERMISSION_NAMED.get(stored) ?? 'DENY';
}

/** A grant as stored. A million of them share the strings of their types. */
export function readGrant(
  row: { readonly resource_type: string; readonly resource_pattern: string; readonly permission: string },
  via: Grant['via'],
): Grant {
  return {
    resourceType: TYPE_NAMED.get(row.resource_type) ?? row.resource_type,
    resourcePattern: row.resource_pattern,
    permission: readPermission(row.permission),
    via,
  };
}
