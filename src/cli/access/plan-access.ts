import { changeGrant, grant, revoke } from '../../admin/deeds/grants.ts';
import {
  assign,
  changeGrantOfRole,
  createRole,
  deleteRole,
  grantToRole,
  revokeFromRole,
  unassign,
  updateRole,
} from '../../admin/deeds/roles.ts';
import { addUser, setAdmin } from '../../admin/deeds/users.ts';
import type { Changing } from '../../audit/changing.ts';
import type { Passwords } from '../../identity/password.ts';
import type { Permission } from '../../policy/permissions.ts';
import type { Role } from '../../store/roles.ts';
import type { User } from '../../store/types.ts';
import { NO_PASSWORD } from '../../store/types.ts';
import { DEFAULT_WORKSPACE } from '../../store/workspace.ts';
import type { Access, DeclaredGrant, DeclaredRole, DeclaredUser } from './access-file.ts';

/** A grant whose thing is known by its id. */
export interface ResolvedGrant {
  readonly type: string;
  readonly id: string;
  /** As people know it. */
  readonly shown: string;
  readonly permission: Permission;
}

/** Resolves the names of a file's grants. */
export type Resolve = (declared: DeclaredGrant) => ResolvedGrant;

export interface PlanOptions {
  readonly changing: Changing;
  readonly passwords: Passwords;
  readonly resolve: Resolve;
  /** Takes away what the sections of the file do not name. */
  readonly prune: boolean;
}

/**
 * Compares a file with a store and does what is missing, step by step, within one transaction: later steps see what the
 * earlier ones did.
 *
 * @returns what was done, a line each.
 * @throws Error if something of it cannot be: nothing is done then.
 */
export async function applyAccess(access: Access, options: PlanOptions): Promise<readonly string[]> {
  const lines: string[] = [];
  const step = async (line: string, run: () => Promise<unknown>) => {
    await run();
    lines.push(line);
  };
  const users = await applyUsers(access.users ?? new Map(), options, step);
  refuseUnknown(access, users);
  if (access.roles !== undefined) {
    await applyRoles(access.roles, users, options, step);
  }
  if (access.grants !== undefined) {
    await applyGrants(access.grants, users, options, step);
  }
  return lines;
}

/** @throws Error that names everybody who is not there and would not be made. */
function refuseUnknown({ roles, grants }: Access, users: ReadonlyMap<string, User>): void {
  const named = [
    ...[...(roles?.values() ?? [])].flatMap(({ members }) => members),
    ...(grants?.keys() ?? []),
  ];
  const unknown = [...new Set(named)].filter((name) => !users.has(name));
  if (unknown.length > 0) {
    const lines = unknown.map((name) => `- there is no user ${name}: name it under users to have it created`);
    throw new Error(lines.join('\n'));
  }
}

/** The grants of one holder, each thing once. */
function resolvedFor(
  holder: string,
  declared: readonly DeclaredGrant[],
  resolve: Resolve,
): readonly ResolvedGrant[] {
  const resolved = declared.map(resolve);
  const twice = resolved.filter(
    ({ type, id }, index) => resolved.findIndex((each) => each.type === type && each.id === id) !== index,
  );
  if (twice.length > 0) {
    throw new Error(
      twice.map(({ shown }) => `- ${holder} is granted something on ${shown} twice`).join('\n'),
    );
  }
  return resolved;
}

type Do = (line: string, run: () => Promise<unknown>) => Promise<void>;

async function applyUsers(
  declared: ReadonlyMap<string, DeclaredUser>,
  { changing: { users }, passwords }: PlanOptions,
  step: Do,
): Promise<ReadonlyMap<string, User>> {
  for (const [username, { admin, service }] of declared) {
    if ((await users.get(username)) === undefined) {
      const kind = service ? 'service account' : 'user';
      await step(`+ ${kind} ${username}`, () =>
        addUser(users, { username, passwordHash: NO_PASSWORD, isAdmin: false, isService: service }),
      );
    }
    const user = await existing(users, username);
    if (user.isService !== service) {
      throw new Error(
        `${username} is ${user.isService ? 'a' : 'no'} service account, which cannot be changed.`,
      );
    }
    if (admin !== undefined && user.isAdmin !== admin) {
      await step(`~ ${username} ${admin ? 'becomes an admin' : 'is no admin any more'}`, () =>
        setAdmin(users, passwords, user, admin),
      );
    }
  }
  return new Map((await users.list()).map((user) => [user.username, user]));
}

async function existing(users: Changing['users'], username: string): Promise<User> {
  const user = await users.get(username);
  if (user === undefined) {
    throw new Error(`There is no user ${username}. Name it under users to have it created.`);
  }
  return user;
}

async function applyRoles(
  declared: ReadonlyMap<string, DeclaredRole>,
  users: ReadonlyMap<string, User>,
  options: PlanOptions,
  step: Do,
): Promise<void> {
  const { roles } = options.changing;
  for (const [name, role] of declared) {
    const { description } = role;
    if ((await roles.getByName(DEFAULT_WORKSPACE, name)) === undefined) {
      await step(`+ role ${name}`, () =>
        createRole(roles, {
          name,
          workspace: DEFAULT_WORKSPACE,
          ...(description !== undefined && { description }),
        }),
      );
    }
    const found = await roles.getByName(DEFAULT_WORKSPACE, name);
    if (found === undefined) {
      throw new Error(`The role ${name} is gone.`);
    }
    if (description !== undefined && description !== (found.description ?? '')) {
      await step(`~ role ${name}: ${description}`, () => updateRole(roles, found.id, { description }));
    }
    await applyMembers(found, role.members, users, options, step);
    await applyGrantsOfRole(found, role.grants, options, step);
  }
  for (const { id, name } of options.prune ? await roles.list([DEFAULT_WORKSPACE]) : []) {
    if (!declared.has(name)) {
      await step(`- role ${name}`, () => deleteRole(roles, id));
    }
  }
}

async function applyMembers(
  role: Role,
  declared: readonly string[],
  users: ReadonlyMap<string, User>,
  { changing: { roles }, prune }: PlanOptions,
  step: Do,
): Promise<void> {
  const members = await roles.members(role.id);
  const names = new Set(members.map(({ username }) => username));
  for (const username of declared) {
    const user = userIn(users, username);
    if (!names.has(username)) {
      await step(`+ ${username} in role ${role.name}`, () => assign(roles, user, role.id));
    }
  }
  for (const { username, userId } of prune ? members : []) {
    if (!declared.includes(username)) {
      await step(`- ${username} in role ${role.name}`, () => unassign(roles, { id: userId }, role.id));
    }
  }
}

async function applyGrantsOfRole(
  role: Role,
  declared: readonly DeclaredGrant[],
  { changing: { roles }, resolve, prune }: PlanOptions,
  step: Do,
): Promise<void> {
  const wanted = resolvedFor(`role ${role.name}`, declared, resolve);
  for (const { type, id, shown, permission } of wanted) {
    const held = role.permissions.find((each) => each.resourceType === type && each.resourcePattern === id);
    if (held === undefined) {
      await step(`+ ${permission} on ${shown} to role ${role.name}`, () =>
        grantToRole(roles, role.id, { type, id }, permission),
      );
    } else if (held.permission !== permission) {
      await step(`~ ${held.permission} to ${permission} on ${shown} to role ${role.name}`, () =>
        changeGrantOfRole(roles, held, permission),
      );
    }
  }
  for (const held of prune ? role.permissions : []) {
    if (!wanted.some(({ type, id }) => type === held.resourceType && id === held.resourcePattern)) {
      const what = `${held.permission} on ${held.resourceType} ${held.resourcePattern}`;
      await step(`- ${what} to role ${role.name}`, () => revokeFromRole(roles, held));
    }
  }
}

async function applyGrants(
  declared: ReadonlyMap<string, readonly DeclaredGrant[]>,
  users: ReadonlyMap<string, User>,
  { changing: { grants }, resolve, prune }: PlanOptions,
  step: Do,
): Promise<void> {
  for (const [username, ofUser] of declared) {
    const user = userIn(users, username);
    for (const { type, id, shown, permission } of resolvedFor(username, ofUser, resolve)) {
      const held = await grants.get(user.id, type, id);
      if (held === undefined) {
        await step(`+ ${permission} on ${shown} to ${username}`, () =>
          grant(grants, user, { type, id }, permission),
        );
      } else if (held !== permission) {
        await step(`~ ${held} to ${permission} on ${shown} to ${username}`, () =>
          changeGrant(grants, user, { type, id }, permission),
        );
      }
    }
  }
  for (const user of prune ? users.values() : []) {
    const wanted = (declared.get(user.username) ?? []).map(resolve);
    for (const { resourceType: type, resourcePattern: id, permission } of await grants.forUser(user.id)) {
      if (!wanted.some((each) => each.type === type && each.id === id)) {
        await step(`- ${permission} on ${type} ${id} to ${user.username}`, () =>
          revoke(grants, user, { type, id }),
        );
      }
    }
  }
}

function userIn(users: ReadonlyMap<string, User>, username: string): User {
  const user = users.get(username);
  if (user === undefined) {
    throw new Error(`There is no user ${username}. Name it under users to have it created.`);
  }
  return user;
}
