import { assign, createRole, type RoleNameProblem, roleNameProblem } from '../../admin/deeds/roles.ts';
import type { Changing } from '../../audit/changing.ts';
import type { Role } from '../../store/roles.ts';
import type { User } from '../../store/types.ts';
import type { BasicAuth, SourceRole } from './read-basic-auth.ts';
import { type Holder, takeGrants } from './take-grants.ts';
import { quoted, type Tally } from './tally.ts';

/** Creates the roles that are missing, each with its grants and then its members. */
export async function takeRoles(
  { roles, wildcards }: Pick<BasicAuth, 'roles' | 'wildcards'>,
  users: ReadonlyMap<number, User>,
  store: Changing,
  tally: Tally,
): Promise<void> {
  for (const role of roles) {
    const unusable = whyNotUsable(role);
    if (unusable === undefined) {
      await takeRole(role, { wildcards, users, store, tally });
    } else {
      tally.leave('roles', `role ${quoted(role.name)} with its grants and members: ${unusable}`);
      tally.counts['permissions of roles'].left += role.grants.length;
      tally.counts['members of roles'].left += role.members.length;
    }
  }
}

interface Context {
  readonly wildcards: boolean;
  readonly users: ReadonlyMap<number, User>;
  readonly store: Changing;
  readonly tally: Tally;
}

async function takeRole(
  { name, workspace, description, grants, members }: SourceRole,
  { wildcards, users, store, tally }: Context,
): Promise<void> {
  const there = await store.roles.getByName(workspace, name);
  tally.counts.roles[there === undefined ? 'taken' : 'alreadyThere'] += 1;
  const role =
    there ??
    (await createRole(store.roles, { name, workspace, ...(description !== null && { description }) }));
  await takeGrants(grants, holderOf(role, store), wildcards, tally);
  for (const member of members) {
    const user = users.get(member);
    if (user === undefined) {
      tally.leave('members of roles', `user ${member} of the file in role ${quoted(name)}: not taken`);
      continue;
    }
    const added = await assign(store.roles, user, role.id);
    tally.counts['members of roles'][added === undefined ? 'alreadyThere' : 'taken'] += 1;
  }
}

function holderOf(role: Role, store: Changing): Holder {
  return {
    what: 'permissions of roles',
    name: `role ${quoted(role.name)}`,
    async add({ type, pattern, permission }) {
      const added = await store.roles.addPermission(role.id, type, pattern, permission);
      if (added !== undefined) {
        return undefined;
      }
      return role.permissions.find((held) => held.resourceType === type && held.resourcePattern === pattern)
        ?.permission;
    },
  };
}

const NAME_PROBLEMS: Readonly<Record<RoleNameProblem, string>> = {
  empty: 'it has no name',
  form: 'its name is longer than 255 characters, or holds control characters',
  reserved: "this name is MLflow's own for one user's grants",
};

function whyNotUsable({ name, workspace }: SourceRole): string | undefined {
  if (workspace !== 'default') {
    return `workspace ${workspace}: only the workspace default is taken`;
  }
  const problem = roleNameProblem(name);
  return problem && NAME_PROBLEMS[problem];
}
