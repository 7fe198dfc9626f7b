/** What a grant can say, weakest to strongest; the two refusals stand outside the order. */
export const PERMISSIONS = ['READ', 'USE', 'EDIT', 'MANAGE', 'NO_PERMISSIONS', 'DENY'] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** The four names of MLflow's classic permissions API (2.15 to 3.5), in the order its messages list them. */
export const CLASSIC_PERMISSIONS = ['READ', 'EDIT', 'MANAGE', 'NO_PERMISSIONS'] as const;

/** The names of MLflow 3's, for grants of users and roles: its DENY says what the classic NO_PERMISSIONS does. */
export const GRANT_PERMISSIONS = ['READ', 'USE', 'EDIT', 'MANAGE', 'DENY'] as const;

/** What an operation does to a resource. */
export type Action = 'read' | 'use' | 'update' | 'delete' | 'manage';

const RANK = { DENY: 0, NO_PERMISSIONS: 0, READ: 1, USE: 2, EDIT: 3, MANAGE: 4 } as const satisfies Record<
  Permission,
  number
>;

/** The weakest permission that allows an action. EDIT does not delete: MLflow keeps that for MANAGE. */
export const PERMISSION_FOR = {
  read: 'READ',
  use: 'USE',
  update: 'EDIT',
  delete: 'MANAGE',
  manage: 'MANAGE',
} as const satisfies Record<Action, Permission>;

/** Whether `held` is enough for `action`. */
export function allows(held: Permission, action: Action): boolean {
  return RANK[held] >= RANK[PERMISSION_FOR[action]];
}

/** The stronger of two permissions, a refusal counting as nothing. */
export function stronger(a: Permission, b: Permission): Permission {
  return RANK[b] > RANK[a] ? b : a;
}

/** Whether a grant of this permission takes everything away, whatever else is granted. */
export function refuses(permission: Permission): boolean {
  return RANK[permission] === 0;
}
