import type { Answer } from '../../../admin/contract/index.ts';
import { ask, PREFIX, Refusal, workspaceOf } from '../../api/client.ts';
import type { Level } from '../../texts.ts';

/** What is shared on the page. */
export interface Thing {
  readonly kind: 'experiment' | 'registered_model';
  readonly id: string;
}

/** Kinds by how the address of the page names them. */
export const KINDS: Readonly<Record<string, Thing['kind']>> = {
  experiment: 'experiment',
  'registered-model': 'registered_model',
};

/** What can be given; a single user is refused something by an admin. */
export const GIVEN = ['READ', 'EDIT', 'MANAGE'] as const satisfies readonly Level[];
export type Given = (typeof GIVEN)[number];

/** A user or a role that gets access. */
export interface Grantee {
  readonly key: string;
  readonly name: string;
  /** The id of the role; undefined for a user. */
  readonly roleId: number | undefined;
}

type Role = Answer<'roles.list'>['roles'][number];

/**
 * Gives a user or role just this access, whatever grant there was on this thing.
 *
 * @param roles - all of them, for those who administer roles; left out for others, who share with roles of their own.
 */
export async function give(
  thing: Thing,
  { name, roleId }: Grantee,
  permission: Given,
  roles: readonly Role[] | undefined,
): Promise<void> {
  if (roleId !== undefined) {
    const { kind, id } = thing;
    await (roles === undefined
      ? ask('roleGrants.grant', { role_id: roleId, resource_type: kind, resource_id: id, permission })
      : giveRole(thing, roleId, permission, roles));
    return;
  }
  try {
    await ask(`${familyOf(thing)}.create`, { ...namesOf(thing), username: name, permission });
  } catch (error) {
    if (!isTaken(error)) {
      throw error;
    }
    await change(thing, name, permission);
  }
}

/** Changes the grant that a user has on just this thing. */
export async function change(thing: Thing, username: string, permission: Given): Promise<void> {
  await ask(`${familyOf(thing)}.update`, { ...namesOf(thing), username, permission });
}

const familyOf = ({ kind }: Thing) =>
  kind === 'experiment' ? 'experimentPermissions' : 'registeredModelPermissions';

const namesOf = ({ kind, id }: Thing) => (kind === 'experiment' ? { experiment_id: id } : { name: id });

async function giveRole(
  { kind, id }: Thing,
  roleId: number,
  permission: Given,
  roles: readonly Role[],
): Promise<void> {
  const role = roles.find((each) => each.id === roleId);
  const there = role && grantOn({ kind, id }, role);
  if (there === undefined) {
    const grant = { role_id: roleId, resource_type: kind, resource_pattern: id, permission };
    await ask('rolePermissions.add', grant);
  } else {
    await ask('rolePermissions.update', { role_permission_id: there.id, permission });
  }
}

/** What a role grants on just this thing. */
export const grantOn = ({ kind, id }: Thing, { permissions }: Role) =>
  permissions.find((each) => each.resource_type === kind && each.resource_pattern === id);

const isTaken = (error: unknown): boolean =>
  error instanceof Refusal && error.code === 'RESOURCE_ALREADY_EXISTS';

/** Where MLflow's own page of it is; both generations have it there. */
export function inMlflow({ kind, id }: Thing): string {
  const workspace = workspaceOf();
  const search = workspace === undefined ? '' : `?workspace=${encodeURIComponent(workspace)}`;
  return `${PREFIX}/${search}#/${kind === 'experiment' ? 'experiments' : 'models'}/${encodeURIComponent(id)}`;
}
