/** Names that MLflow keeps for the roles of single users; no other role may have one. */
export const OWN_ROLE_PREFIX = '__user_';

/** The name of the role in which MLflow 3 keeps what one user was granted directly. */
export function ownRoleName(userId: number): string {
  return `${OWN_ROLE_PREFIX}${userId}__`;
}

/** The id of the user whose own grants a role of this name holds; undefined if it is a role like any other. */
export function ownerOfRole(name: string): number | undefined {
  const id = /^__user_(\d+)__$/.exec(name)?.[1];
  return id === undefined ? undefined : Number(id);
}

/**
 * Whether what looks like a role is a user's own grants: in the workspace `default` it has a negative id, in others it is a role of
 * the store, told by its name alone.
 */
export const isOwnRole = ({ id, name }: { readonly id: number; readonly name: string }): boolean =>
  id < 0 || ownerOfRole(name) !== undefined;
