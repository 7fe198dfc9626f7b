import type { ReadingStore } from '../../audit/changing.ts';
import { notFound } from '../../errors.ts';
import { principalOf } from '../../identity/accounts.ts';
import { decide, effectivePermission } from '../../policy/decide.ts';
import { ACTIONS, explain } from '../../policy/explain.ts';
import type { Grant } from '../../policy/grant.ts';
import { isRootKind } from '../../policy/grantable.ts';
import type { Permission } from '../../policy/permissions.ts';
import { ALL, type Root } from '../../policy/resources.ts';
import type { Role } from '../../store/roles.ts';
import type { Account as StoredAccount } from '../../store/types.ts';
import type { GrantTarget } from './grants.ts';

/** A change that is thought about. */
export type Planned =
  | {
      readonly change: 'grant';
      readonly username: string;
      readonly on: GrantTarget;
      readonly permission: Permission;
    }
  | { readonly change: 'revoke'; readonly username: string; readonly on: GrantTarget }
  | {
      readonly change: 'grant_role';
      readonly role: Role;
      readonly on: GrantTarget;
      readonly permission: Permission;
    }
  | { readonly change: 'revoke_role'; readonly role: Role; readonly on: GrantTarget }
  | { readonly change: 'assign_role' | 'unassign_role'; readonly username: string; readonly role: Role }
  | { readonly change: 'delete_role'; readonly role: Role }
  | { readonly change: 'delete_user'; readonly username: string };

/** What somebody may do to a thing now, and would. */
export interface Effect extends GrantTarget {
  readonly username: string;
  /** Undefined where nothing is granted on all things of a kind, and what they lie in decides. */
  readonly before: Permission | undefined;
  readonly after: Permission | undefined;
}

type Reading = Pick<ReadingStore, 'account' | 'roles' | 'workspace'>;

/** Who would gain or lose what, by the policy on what they would hold. Nothing is changed. */
export async function effectsOf(
  store: Reading,
  planned: Planned,
  defaultPermission: Permission,
): Promise<readonly Effect[]> {
  const effects: Effect[] = [];
  for (const account of await accountsIn(store, planned)) {
    const after = grantsAfter(planned, account, store.workspace);
    for (const on of thingsIn(planned, account)) {
      const permissions = [account.grants, after].map((grants) =>
        grants === undefined ? 'NO_PERMISSIONS' : permissionOn(on, { ...account, grants }, defaultPermission),
      );
      const [held, then] = permissions;
      if (held !== then) {
        effects.push({ username: account.user.username, ...on, before: held, after: then });
      }
    }
  }
  return effects.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}

const keyOf = ({ username, type, id }: Effect): string => JSON.stringify([username, type, id]);

/** A user with what a preview looks at. */
type Account = Pick<StoredAccount, 'user' | 'grants'>;

async function accountsIn(store: Reading, planned: Planned): Promise<readonly Account[]> {
  const names =
    'username' in planned
      ? [planned.username]
      : (await store.roles.members(planned.role.id)).map(({ username }) => username);
  const accounts: Account[] = [];
  for (const name of names) {
    const account = await store.account(name);
    if (account === undefined) {
      throw notFound(`User with username=${name} not found`);
    }
    accounts.push(account);
  }
  return accounts;
}

/** What the change is about; of a user who goes, everything that they were granted. */
function thingsIn(planned: Planned, { grants }: Account): readonly GrantTarget[] {
  if ('on' in planned) {
    return [planned.on];
  }
  const all =
    planned.change === 'delete_user'
      ? grants.map(({ resourceType, resourcePattern }) => ({ type: resourceType, id: resourcePattern }))
      : planned.role.permissions.map(({ resourceType, resourcePattern }) => ({
          type: resourceType,
          id: resourcePattern,
        }));
  return [...new Map(all.map((each) => [JSON.stringify(each), each])).values()];
}

/** What a user would hold; undefined for one who would not be there. */
function grantsAfter(planned: Planned, { grants }: Account, workspace: string): readonly Grant[] | undefined {
  // Roles of other workspaces grant nothing here.
  const counts = (role: Role): boolean => role.workspace === workspace;
  const own = (on: GrantTarget) => (each: Grant) => each.via === 'user' && isOn(each, on);
  const ofRole = (role: Role) => (each: Grant) => each.via !== 'user' && each.via.role === role.name;
  switch (planned.change) {
    case 'grant':
      return [
        ...grants.filter((each) => !own(planned.on)(each)),
        grantOf(planned.on, planned.permission, 'user'),
      ];
    case 'revoke':
      return grants.filter((each) => !own(planned.on)(each));
    case 'grant_role': {
      const { role, on, permission } = planned;
      const others = grants.filter((each) => !(ofRole(role)(each) && isOn(each, on)));
      return counts(role) ? [...others, grantOf(on, permission, { role: role.name })] : grants;
    }
    case 'revoke_role':
      return grants.filter((each) => !(ofRole(planned.role)(each) && isOn(each, planned.on)));
    case 'assign_role':
      return counts(planned.role) ? [...grants, ...grantsOfRole(planned.role)] : grants;
    case 'unassign_role':
    case 'delete_role':
      return counts(planned.role) ? grants.filter((each) => !ofRole(planned.role)(each)) : grants;
    case 'delete_user':
      return undefined;
  }
}

const isOn = ({ resourceType, resourcePattern }: Grant, { type, id }: GrantTarget): boolean =>
  resourceType === type && resourcePattern === id;

const grantOf = ({ type, id }: GrantTarget, permission: Permission, via: Grant['via']): Grant => ({
  resourceType: type,
  resourcePattern: id,
  permission,
  via,
});

const grantsOfRole = ({ name, permissions }: Role): readonly Grant[] =>
  permissions.map((each) => ({ ...each, via: { role: name } }));

function permissionOn(
  { type, id }: GrantTarget,
  account: Account,
  defaultPermission: Permission,
): Permission | undefined {
  const subject = principalOf(account);
  if (!isRootKind(type)) {
    const tier = account.grants.filter(({ resourceType }) => resourceType === type);
    return subject.isAdmin
      ? 'MANAGE'
      : tier.length === 0
        ? undefined
        : effectivePermission(tier, defaultPermission).permission;
  }
  const isPrompt = type === 'prompt' ? true : type === 'registered_model' ? false : undefined;
  const root: Root = { kind: type, id, ...(isPrompt !== undefined && { isPrompt }) };
  return explain(
    ACTIONS.map((action) => decide(subject, action, root, defaultPermission)),
    defaultPermission,
  ).permission;
}

/** Things that one user manages by a grant of their own and that nobody else would manage but admins. */
export async function leftWithout(
  store: Pick<ReadingStore, 'account' | 'users' | 'grants'>,
  username: string,
  defaultPermission: Permission,
): Promise<readonly GrantTarget[]> {
  const account = await store.account(username);
  const managed = (account?.grants ?? []).filter(
    ({ via, permission, resourceType, resourcePattern }) =>
      via === 'user' && permission === 'MANAGE' && resourcePattern !== ALL && isRootKind(resourceType),
  );
  if (managed.length === 0) {
    return [];
  }
  const types = new Set([
    ...managed.map(({ resourceType }) => resourceType),
    'workspace',
    'registered_model',
    'prompt',
    'experiment',
  ]);
  const patterns = managed.flatMap(({ resourcePattern }) => [
    resourcePattern,
    resourcePattern.split('/', 1)[0] ?? '',
  ]);
  const held = await store.grants.heldOn([...types], [...new Set([...patterns, ALL])]);
  const others = (await store.users.list())
    .filter(({ id, isActive }) => isActive && id !== account?.user.id)
    .map((user) => ({ user: { ...user, isAdmin: false }, grants: held.get(user.id) ?? [] }));
  const managers = others.filter(({ grants }) => grants.some(({ permission }) => permission === 'MANAGE'));
  // Everybody without a grant is as good as the first of them.
  const byDefault = others.filter(({ grants }) => grants.length === 0).slice(0, 1);
  return managed
    .map(({ resourceType, resourcePattern }) => ({ type: resourceType, id: resourcePattern }))
    .filter(
      (on) =>
        ![...managers, ...byDefault].some((each) => permissionOn(on, each, defaultPermission) === 'MANAGE'),
    );
}
