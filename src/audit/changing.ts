import { scopeJson } from '../policy/ceiling.ts';
import type { AccessRequest, AccessRequests } from '../store/access-requests.ts';
import type { AuditChange, AuditEntry } from '../store/audit/index.ts';
import type { Grants } from '../store/grants.ts';
import type { Identities } from '../store/identities.ts';
import type { Store, StoreParts } from '../store/index.ts';
import type { Invitations } from '../store/invitations.ts';
import type { ProviderSessions } from '../store/provider-sessions.ts';
import type { Role, RolePermission, Roles } from '../store/roles.ts';
import { MOST_SESSIONS, type NewSession } from '../store/sessions.ts';
import type { Throttles } from '../store/throttles.ts';
import type { NewToken, Tokens } from '../store/tokens.ts';
import type { Invitation, Session, Subject, Token, User } from '../store/types.ts';
import type { Users } from '../store/users.ts';

/** Verbs that change what a user may do. */
const CHANGING_VERBS = {
  users: [
    'create',
    'setPassword',
    'changePassword',
    'replacePasswordHash',
    'setAdmin',
    'setActive',
    'remove',
  ],
  grants: ['create', 'update', 'delete'],
  roles: [
    'create',
    'update',
    'remove',
    'addPermission',
    'updatePermission',
    'removePermission',
    'assign',
    'unassign',
    'removeOf',
  ],
  throttles: ['clear'],
  tokens: ['create', 'rotate', 'remove', 'noteUse'],
  identities: ['link', 'unlink', 'followGroups'],
  providerSessions: ['add', 'hold', 'checked', 'release', 'use'],
  sessions: ['create', 'remove', 'noteUse', 'prune'],
  invitations: ['create', 'take', 'remove'],
  accessRequests: ['create', 'answer', 'withdraw', 'prune'],
} as const;

type Verbs = typeof CHANGING_VERBS;

/** The store without the verbs that change something: those are had only with an audit entry, see {@link Changing}. */
export type ReadingStore = Omit<Store, 'atOnce' | 'within' | 'audit' | keyof Verbs> & {
  readonly [Part in keyof Verbs]: Omit<StoreParts[Part], Verbs[Part][number]>;
} & { readonly audit: Pick<Store['audit'], 'search'> };

/** The store's changing verbs for one caller: each change and its entry in the audit log are one transaction. */
export interface Changing {
  readonly users: Users;
  readonly grants: Grants;
  readonly roles: Roles;
  readonly throttles: Pick<Throttles, 'clear'>;
  readonly tokens: ChangingTokens;
  readonly identities: Pick<Identities, 'get' | 'link' | 'unlink' | 'followGroups'>;
  readonly sessions: ChangingSessions;
  readonly invitations: ChangingInvitations;
  readonly accessRequests: Pick<AccessRequests, 'create' | 'answer' | 'withdraw'>;
  /** What belongs to a session and a sign-in, whose entries tell it. */
  readonly providerSessions: Pick<ProviderSessions, 'add' | 'use'>;
  /** Does many changes as one, see `Store.atOnce`. */
  atOnce<T>(work: (changing: Changing) => Promise<T>): Promise<T>;
}

/** Tokens, which a user may have allowed a program that comes without credentials. */
export interface ChangingTokens extends Pick<Tokens, 'rotate' | 'remove'> {
  /** @param by - whose change it is, where the request does not say. */
  create(token: NewToken, by?: Told['by']): Promise<Token>;
}

/** Sessions, which begin before it is known of anything else whose request it is. */
export interface ChangingSessions {
  get(id: string): Promise<Session | undefined>;
  /** @param by - by which credential its user has signed in: the entry is theirs. */
  begin(session: NewSession, by: SignInBy): Promise<Session>;
  /** @param how - `sign-out` where its own user leaves, which needs no credentials but the session itself. */
  end(session: Session, how: 'sign-out' | 'deleted'): Promise<boolean>;
}

/** Links by which users choose a password. */
export interface ChangingInvitations extends Pick<Invitations, 'create' | 'remove'> {
  /**
   * Sets the password of whose link it is, which ends it: the entry is theirs.
   *
   * @param hash - of the secret in the link.
   * @returns undefined if there is no such link any more.
   */
  accept(hash: string, passwordHash: string): Promise<Invitation | undefined>;
}

/** What a user has signed in with. */
export type SignInBy = NonNullable<AuditEntry['credential']>;

/** What one change did, for its entry. */
export interface Told {
  /** What it did, such as `grant` or `delete_user`. */
  readonly action: string;
  readonly change: AuditChange;
  readonly resources?: readonly { readonly type: string; readonly id: string }[];
  /** Whose it is, where the request came without credentials and the change itself says that. */
  readonly by?: Pick<AuditEntry, 'username' | 'credential'>;
}

/** Adds the entry of a change within the transaction that makes it. */
export type RecordChange = (told: Told, audit: StoreParts['audit']) => Promise<void>;

/** The parts of the store that a change reads and alters. */
export type ReadsForChanging = Pick<Store, 'atOnce' | keyof Verbs>;

/** Runs a change, which answers what it did and what there is to tell of it; a change that came to nothing tells nothing. */
type Change = <T>(work: (parts: StoreParts) => Promise<readonly [T, Told | undefined]>) => Promise<T>;

/** Binds the store to one caller. */
export function changingBy(store: ReadsForChanging, record: RecordChange): Changing {
  const change: Change = (work) =>
    store.atOnce(async (parts) => {
      const [done, told] = await work(parts);
      if (told !== undefined) {
        await record(told, parts.audit);
      }
      return done;
    });
  return {
    users: changingUsers(store.users, change),
    grants: changingGrants(store.grants, change),
    roles: changingRoles(store.roles, change),
    throttles: changingThrottles(change),
    tokens: changingTokens(change),
    identities: changingIdentities(change),
    sessions: changingSessions(change),
    invitations: changingInvitations(change),
    accessRequests: changingAccessRequests(change),
    providerSessions: {
      add: (session) => store.atOnce((parts) => parts.providerSessions.add(session)),
      use: (key, forMs) => store.atOnce((parts) => parts.providerSessions.use(key, forMs)),
    },
    atOnce: (work) => store.atOnce((parts) => work(changingIn(parts, record))),
  };
}

/** Binds the parts of a transaction that is open to one caller. */
export function changingIn(parts: StoreParts, record: RecordChange): Changing {
  return changingBy({ ...parts, atOnce: (work) => work(parts) }, record);
}

const aboutUser = (username: string) => [{ type: 'user', id: username }];
const aboutRole = (role: string) => [{ type: 'role', id: role }];

async function usernameOf({ users }: StoreParts, id: number): Promise<string> {
  return (await users.getById(id))?.username ?? String(id);
}

async function roleNameOf({ roles }: StoreParts, id: number): Promise<string> {
  return (await roles.get(id))?.name ?? String(id);
}

/** Makes a change of one user, who is read before it, and the sessions that end with it. */
const changeOfUser =
  (change: Change) =>
  (
    id: number,
    action: string,
    run: (users: Users) => Promise<boolean>,
    tell: (username: string, before: User | undefined) => AuditChange,
  ): Promise<boolean> =>
    change(async (parts) => {
      const before = await parts.users.getById(id);
      const username = before?.username ?? String(id);
      const sessions = await sessionsOf(parts, id);
      const done = await run(parts.users);
      const left = new Set(await sessionsOf(parts, id));
      const told = withEnded(
        tell(username, before),
        sessions.filter((session) => !left.has(session)),
      );
      return [done, done ? { action, change: told, resources: aboutUser(username) } : undefined];
    });

function changingUsers(users: Users, change: Change): Users {
  const ofUser = changeOfUser(change);
  const password = (username: string): AuditChange => ({
    before: { username },
    after: { username, password: 'changed' },
  });
  return {
    ...users,
    create: (user) =>
      change(async (parts) => {
        const made = await parts.users.create(user);
        const after = { username: made.username, is_admin: made.isAdmin, is_service: made.isService };
        const told = { action: 'create_user', change: { before: null, after } };
        return [made, { ...told, resources: aboutUser(made.username) }];
      }),
    setPassword: (id, hash, mustChange) =>
      ofUser(id, 'change_password', (each) => each.setPassword(id, hash, mustChange), password),
    changePassword: (id, from, to, butFor) =>
      ofUser(id, 'change_password', (each) => each.changePassword(id, from, to, butFor), password),
    setActive: (id, isActive) =>
      ofUser(
        id,
        isActive ? 'enable_user' : 'disable_user',
        (each) => each.setActive(id, isActive),
        (username, before) => ({
          before: { username, is_active: before?.isActive },
          after: { username, is_active: isActive },
        }),
      ),
    setAdmin: (id, isAdmin) =>
      ofUser(
        id,
        'set_admin',
        (each) => each.setAdmin(id, isAdmin),
        (username, before) => ({
          before: { username, is_admin: before?.isAdmin },
          after: { username, is_admin: isAdmin },
        }),
      ),
    remove: (id) =>
      ofUser(
        id,
        'delete_user',
        (each) => each.remove(id),
        (username) => ({ before: { username }, after: null }),
      ),
  };
}

function changingGrants(grants: Grants, change: Change): Grants {
  /** A change of what one user holds on one resource. */
  const ofGrant = (
    [userId, type, id]: readonly [userId: number, type: string, id: string],
    after: string | undefined,
    run: (grants: Grants) => Promise<boolean>,
  ): Promise<boolean> =>
    change(async (parts) => {
      const username = await usernameOf(parts, userId);
      const before = await parts.grants.get(userId, type, id);
      const done = await run(parts.grants);
      if (!done) {
        return [false, undefined];
      }
      const told = (permission: string | undefined) =>
        permission === undefined ? null : { username, resource_type: type, resource_id: id, permission };
      return [
        true,
        {
          action: after === undefined ? 'revoke' : 'grant',
          change: { before: told(before), after: told(after) },
          resources: [{ type, id }, ...aboutUser(username)],
        },
      ];
    });
  return {
    ...grants,
    create: (userId, type, id, permission) =>
      ofGrant([userId, type, id], permission, (each) => each.create(userId, type, id, permission)),
    update: (userId, type, id, permission) =>
      ofGrant([userId, type, id], permission, (each) => each.update(userId, type, id, permission)),
    delete: (userId, type, id) =>
      ofGrant([userId, type, id], undefined, (each) => each.delete(userId, type, id)),
  };
}

function changingRoles(roles: Roles, change: Change): Roles {
  return {
    ...roles,
    create: (role) =>
      change(async (parts) => {
        const made = await parts.roles.create(role);
        const after = { role: made.name, workspace: made.workspace };
        return [
          made,
          { action: 'create_role', change: { before: null, after }, resources: aboutRole(made.name) },
        ];
      }),
    update: (id, changes) =>
      change(async (parts) => {
        const before = await parts.roles.get(id);
        const after = await parts.roles.update(id, changes);
        const told = (role: Role) => ({ role: role.name, description: role.description ?? null });
        return [
          after,
          before &&
            after && {
              action: 'update_role',
              change: { before: told(before), after: told(after) },
              resources: aboutRole(after.name),
            },
        ];
      }),
    remove: (id) =>
      change(async (parts) => {
        const role = await roleNameOf(parts, id);
        const done = await parts.roles.remove(id);
        const told = { action: 'delete_role', change: { before: { role }, after: null } };
        return [done, done ? { ...told, resources: aboutRole(role) } : undefined];
      }),
    ...changingRoleGrants(change),
    removeOf: (workspace) => change((parts) => removeRolesOf(parts, workspace)),
    assign: (userId, roleId) =>
      change(async (parts) => {
        const added = await parts.roles.assign(userId, roleId);
        return [added, added && (await membershipTold(parts, userId, roleId, true))];
      }),
    unassign: (userId, roleId) =>
      change(async (parts) => {
        const done = await parts.roles.unassign(userId, roleId);
        return [done, done ? await membershipTold(parts, userId, roleId, false) : undefined];
      }),
  };
}

function changingRoleGrants(
  change: Change,
): Pick<Roles, 'addPermission' | 'updatePermission' | 'removePermission'> {
  return {
    addPermission: (roleId, type, pattern, permission) =>
      change(async (parts) => {
        const added = await parts.roles.addPermission(roleId, type, pattern, permission);
        return [added, await grantToRoleTold(parts, undefined, added)];
      }),
    updatePermission: (id, permission) =>
      change(async (parts) => {
        const before = await parts.roles.getPermission(id);
        const after = await parts.roles.updatePermission(id, permission);
        return [after, after && (await grantToRoleTold(parts, before, after))];
      }),
    removePermission: (id) =>
      change(async (parts) => {
        const before = await parts.roles.getPermission(id);
        const done = await parts.roles.removePermission(id);
        return [done, done ? await grantToRoleTold(parts, before, undefined) : undefined];
      }),
  };
}

async function removeRolesOf(
  parts: StoreParts,
  workspace: string,
): Promise<readonly [readonly string[], Told | undefined]> {
  const removed = await parts.roles.removeOf(workspace);
  const change = { before: { workspace, roles: removed }, after: null };
  const resources = removed.flatMap(aboutRole);
  return [removed, removed.length === 0 ? undefined : { action: 'delete_role', change, resources }];
}

function changingThrottles(change: Change): Changing['throttles'] {
  return {
    clear: (which) =>
      change(async (parts) => {
        await parts.throttles.clear(which);
        const resources = which.username === undefined ? [] : aboutUser(which.username);
        return [
          undefined,
          { action: 'clear_lockout', change: { before: { ...which }, after: null }, resources },
        ];
      }),
  };
}

function changingTokens(change: Change): Changing['tokens'] {
  const told = (action: string, before: Token | undefined, after: Token | undefined): Told => {
    const token = after ?? before;
    return {
      action,
      change: {
        before: before === undefined ? null : tokenTold(before),
        after: after ? tokenTold(after) : null,
      },
      resources: token === undefined ? [] : [{ type: 'token', id: token.id }, ...aboutUser(token.username)],
    };
  };
  return {
    create: (token, by) =>
      change(async ({ tokens }) => {
        const made = await tokens.create(token);
        return [made, { ...told('create_token', undefined, made), ...(by && { by }) }];
      }),
    rotate: (id, secret) =>
      change(async ({ tokens }) => {
        const before = await tokens.get(id);
        const after = await tokens.rotate(id, secret);
        return [after, after && told('rotate_token', before, after)];
      }),
    remove: (id) =>
      change(async ({ tokens }) => {
        const before = await tokens.get(id);
        const done = await tokens.remove(id);
        return [done, done ? told('delete_token', before, undefined) : undefined];
      }),
  };
}

function changingIdentities(change: Change): Changing['identities'] {
  const told = (action: string, username: string, before: Subject | null, after: Subject | null): Told => {
    const shown = (subject: Subject | null) =>
      subject && { username, issuer: subject.issuer, subject: subject.subject };
    return {
      action,
      change: { before: shown(before), after: shown(after) },
      resources: aboutUser(username),
    };
  };
  return {
    get: (subject) => change(async ({ identities }) => [await identities.get(subject), undefined]),
    link: (identity) =>
      change(async (parts) => {
        const username = await usernameOf(parts, identity.userId);
        const done = await parts.identities.link(identity);
        return [done, done ? told('link_user', username, null, identity) : undefined];
      }),
    unlink: (userId, issuer) =>
      change(async (parts) => {
        const username = await usernameOf(parts, userId);
        const before = (await parts.identities.ofUser(userId)).find((each) => each.issuer === issuer);
        const done = await parts.identities.unlink(userId, issuer);
        return [done, done ? told('unlink_user', username, before ?? null, null) : undefined];
      }),
    followGroups: (subject, said) =>
      change(async (parts) => {
        const followed = await parts.identities.followGroups(subject, said);
        const identity = await parts.identities.get(subject);
        if (followed === undefined || identity === undefined) {
          return [followed, undefined];
        }
        const { username } = identity;
        const { before, after } = followed;
        if (before.join('\n') === after.join('\n')) {
          return [followed, undefined];
        }
        const roles = (names: readonly string[]) => ({ username, issuer: subject.issuer, roles: names });
        return [
          followed,
          {
            action: 'follow_groups',
            change: { before: roles(before), after: roles(after) },
            resources: aboutUser(username),
          },
        ];
      }),
  };
}

function changingAccessRequests(change: Change): Changing['accessRequests'] {
  const resourcesOf = ({ type, resourceId, askedFor, username }: AccessRequest) => [
    { type, id: resourceId ?? askedFor },
    ...aboutUser(username),
  ];
  return {
    create: (request, limits) =>
      change(async ({ accessRequests }) => {
        const made = await accessRequests.create(request, limits);
        const after = requestTold(made);
        return [
          made,
          { action: 'request_access', change: { before: null, after }, resources: resourcesOf(made) },
        ];
      }),
    answer: (id, answering) =>
      change(async ({ accessRequests }) => {
        const before = await accessRequests.get(id, EVER_MS);
        const done = await accessRequests.answer(id, answering);
        if (!done || before === undefined) {
          return [done, undefined];
        }
        const { state, granted = null } = answering;
        const after = { ...requestTold(before), state, granted };
        return [
          done,
          {
            action: 'answer_access_request',
            change: { before: requestTold(before), after },
            resources: resourcesOf(before),
          },
        ];
      }),
    withdraw: (id, userId) =>
      change(async ({ accessRequests }) => {
        const before = await accessRequests.get(id, EVER_MS);
        const done = await accessRequests.withdraw(id, userId);
        return [
          done,
          done && before !== undefined
            ? {
                action: 'withdraw_access_request',
                change: { before: requestTold(before), after: null },
                resources: resourcesOf(before),
              }
            : undefined,
        ];
      }),
  };
}

/** Without its message, which is for whoever answers it alone. */
const requestTold = ({ id, username, type, resourceId, askedFor, permission, state }: AccessRequest) => ({
  access_request_id: id,
  username,
  resource_type: type,
  resource_id: resourceId ?? askedFor,
  permission,
  state,
});

function changingSessions(change: Change): ChangingSessions {
  const resourcesOf = ({ id, username }: Session) => [{ type: 'session', id }, ...aboutUser(username)];
  return {
    get: (id) => change(async ({ sessions }) => [await sessions.get(id), undefined]),
    begin: (session, credential) =>
      change(async ({ sessions }) => {
        const begun = await sessions.create(session);
        const { username } = begun;
        return [
          begun,
          {
            action: 'sign_in',
            change: { before: null, after: sessionTold(begun) },
            resources: resourcesOf(begun),
            by: { username, credential },
          },
        ];
      }),
    end: (session, how) =>
      change(async ({ sessions }) => {
        const done = await sessions.remove(session.id);
        const told = {
          change: { before: sessionTold(session), after: null },
          resources: resourcesOf(session),
        };
        const by = { username: session.username, credential: { kind: 'session', id: session.id } } as const;
        return [
          done,
          done
            ? { ...told, ...(how === 'sign-out' ? { action: 'sign_out', by } : { action: 'delete_session' }) }
            : undefined,
        ];
      }),
  };
}

function changingInvitations(change: Change): ChangingInvitations {
  const resourcesOf = ({ id, username }: Invitation) => [{ type: 'invitation', id }, ...aboutUser(username)];
  return {
    create: (invitation) =>
      change(async ({ invitations }) => {
        const made = await invitations.create(invitation);
        const action = made.kind === 'invitation' ? 'invite_user' : 'reset_password_by_link';
        return [
          made,
          { action, change: { before: null, after: invitationTold(made) }, resources: resourcesOf(made) },
        ];
      }),
    accept: (hash, passwordHash) =>
      change(async (parts) => {
        const taken = await parts.invitations.take(hash);
        if (taken === undefined) {
          return [undefined, undefined];
        }
        const { username } = taken;
        const sessions = await sessionsOf(parts, taken.userId);
        await parts.users.setPassword(taken.userId, passwordHash);
        const told = { before: invitationTold(taken), after: { username, password: 'changed' } };
        return [
          taken,
          {
            action: 'accept_invitation',
            change: withEnded(told, sessions),
            resources: resourcesOf(taken),
            by: { username, credential: null },
          },
        ];
      }),
    remove: (id) =>
      change(async ({ invitations }) => {
        const before = await invitations.get(id);
        const done = await invitations.remove(id);
        return [
          done,
          done && before !== undefined
            ? {
                action: 'revoke_invitation',
                change: { before: invitationTold(before), after: null },
                resources: resourcesOf(before),
              }
            : undefined,
        ];
      }),
  };
}

const invitationTold = ({ id, username, kind, expiresAt }: Invitation) => ({
  invitation_id: id,
  username,
  kind,
  expires_at: expiresAt,
});

const sessionTold = ({ id, username, expiresAt, ip, userAgent }: Session) => ({
  session_id: id,
  username,
  expires_at: expiresAt,
  ip: ip ?? null,
  user_agent: userAgent ?? null,
});

/** The ids of a user's sessions, those included that have ended unused. */
async function sessionsOf(
  { sessions }: Pick<StoreParts, 'sessions'>,
  userId: number,
): Promise<readonly string[]> {
  const all = await sessions.list({ userId, after: undefined, max: MOST_SESSIONS, idleMs: EVER_MS });
  return all.map(({ id }) => id);
}

const EVER_MS = 100 * 365 * 86_400_000;

const withEnded = (change: AuditChange, ended: readonly string[]): AuditChange =>
  ended.length === 0 || change.after === null
    ? change
    : { ...change, after: { ...change.after, ended_sessions: ended } };

const tokenTold = ({ id, username, name, prefix, ceiling, expiresAt }: Token) => ({
  token_id: id,
  username,
  name,
  prefix,
  scope: scopeJson(ceiling),
  expires_at: expiresAt ?? null,
});

async function grantToRoleTold(
  parts: StoreParts,
  before: RolePermission | undefined,
  after: RolePermission | undefined,
): Promise<Told | undefined> {
  const granted = after ?? before;
  if (granted === undefined) {
    return undefined;
  }
  const role = await roleNameOf(parts, granted.roleId);
  const told = (grant: RolePermission | undefined) =>
    grant === undefined
      ? null
      : {
          role,
          resource_type: grant.resourceType,
          resource_id: grant.resourcePattern,
          permission: grant.permission,
        };
  return {
    action: after === undefined ? 'revoke' : 'grant',
    change: { before: told(before), after: told(after) },
    resources: [{ type: granted.resourceType, id: granted.resourcePattern }, ...aboutRole(role)],
  };
}

async function membershipTold(
  parts: StoreParts,
  userId: number,
  roleId: number,
  isMember: boolean,
): Promise<Told> {
  const [username, role] = [await usernameOf(parts, userId), await roleNameOf(parts, roleId)];
  const membership = { username, role };
  return {
    action: isMember ? 'assign_role' : 'unassign_role',
    change: isMember ? { before: null, after: membership } : { before: membership, after: null },
    resources: [...aboutRole(role), ...aboutUser(username)],
  };
}
