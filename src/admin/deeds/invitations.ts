import { v7 as uuid } from 'uuid';
import type { Changing } from '../../audit/changing.ts';
import { invalid } from '../../errors.ts';
import { isTaken, type LocalSignIn } from '../../identity/limited-basic.ts';
import { hashOf, INVITATION_PREFIX, makeSecret } from '../../identity/token-secret.ts';
import { type Invitation, NO_PASSWORD, type User } from '../../store/types.ts';
import { assign } from './roles.ts';
import { type BegunSession, beginSession, type SessionParts, type SessionToBegin } from './sessions.ts';
import { addUser } from './users.ts';

export interface InvitationParts {
  /** How long a link counts at most, in milliseconds. */
  readonly lifeMs: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly random: (bytes: number) => Buffer;
  /** Whose passwords are taken: a link to choose another brings nothing. */
  readonly localSignIn: LocalSignIn;
}

/** Who makes a link, and how long it is to count. */
export interface LinkToMake {
  readonly by: Pick<User, 'id' | 'username'>;
  /** Undefined for as long as the settings allow. */
  readonly expiresInSeconds: number | undefined;
}

/** Who is invited. */
export interface Invited extends LinkToMake {
  readonly username: string;
  readonly isAdmin: boolean;
  readonly roleIds: readonly number[];
}

/** A link with its secret, which is shown once and kept nowhere. */
export interface ShownInvitation {
  readonly invitation: Invitation;
  readonly secret: string;
}

/**
 * Makes a user who has no password yet, and the secret by which they choose one.
 *
 * @throws ApiError 400 for a name that is taken or that nobody may have, for a life that no link can have, for the role of one
 * user's own grants, or where the user's password would not be taken; 404 if there is no such role.
 */
export function invite(
  changing: Pick<Changing, 'atOnce'>,
  parts: InvitationParts,
  { username, isAdmin, roleIds, ...asked }: Invited,
): Promise<ShownInvitation> {
  const lifeMs = lifeAsked(asked, parts);
  refuseUntaken(parts, { isAdmin });
  return changing.atOnce(async ({ users, roles, invitations }) => {
    const user = await addUser(users, {
      ...{ username, isAdmin, passwordHash: NO_PASSWORD },
      createdBy: asked.by.username,
    });
    for (const roleId of new Set(roleIds)) {
      await assign(roles, user, roleId);
    }
    return makeLink(invitations, parts, { userId: user.id, kind: 'invitation', lifeMs, by: asked.by });
  });
}

/**
 * Makes the secret by which a user chooses another password. The one so far goes on to count until then: whoever is to be
 * shut out is disabled.
 *
 * @throws ApiError 400 for a service account, a user who is disabled or whose password is not taken, or oneself, and for a life that no link can have.
 */
export function resetByLink(
  changing: Pick<Changing, 'atOnce'>,
  parts: InvitationParts,
  user: Pick<User, 'id'>,
  asked: LinkToMake,
): Promise<ShownInvitation> {
  const lifeMs = lifeAsked(asked, parts);
  // A page left open must not suffice to lock its user out.
  if (user.id === asked.by.id) {
    throw invalid('Change your own password on your account page: it asks for the current one.');
  }
  return changing.atOnce(async ({ users, invitations }) => {
    const now = await users.getById(user.id);
    if (now === undefined || now.isService || !now.isActive) {
      throw invalid('Only a user who may sign in with a password has one to reset. Enable the user first.');
    }
    refuseUntaken(parts, now);
    return makeLink(invitations, parts, { userId: now.id, kind: 'password_reset', lifeMs, by: asked.by });
  });
}

/**
 * Sets the password that a link is for, and signs its user in: of many who send the same secret at once, one succeeds.
 *
 * @param accepted.passwordHash - of a password that keeps the rules.
 * @returns undefined if the link does not count any more.
 */
export function accept(
  changing: Pick<Changing, 'atOnce'>,
  { sessions, localSignIn }: { readonly sessions: SessionParts } & Pick<InvitationParts, 'localSignIn'>,
  {
    secret,
    passwordHash,
    ...browser
  }: Pick<SessionToBegin, 'ip' | 'userAgent' | 'former'> & {
    readonly secret: string;
    readonly passwordHash: string;
  },
): Promise<BegunSession | undefined> {
  return changing.atOnce(async (each) => {
    const taken = await each.invitations.accept(hashOf(secret), passwordHash);
    return (
      taken &&
      beginSession(each, sessions, {
        ...browser,
        userId: taken.userId,
        by: { kind: 'password', id: null },
        still: (user) => isTaken(localSignIn, user),
      })
    );
  });
}

/** @throws ApiError 400. */
function refuseUntaken({ localSignIn: by }: InvitationParts, user: Pick<User, 'isAdmin'>): void {
  if (!isTaken(by, user)) {
    throw invalid(
      `No password of this user is taken (local_sign_in = ${by}): they sign in by a provider of single sign-on, and need no link.`,
    );
  }
}

async function makeLink(
  invitations: Changing['invitations'],
  { clock, random }: InvitationParts,
  {
    by,
    ...link
  }: Pick<Invitation, 'userId' | 'kind'> & { readonly lifeMs: number; readonly by: LinkToMake['by'] },
): Promise<ShownInvitation> {
  const secret = makeSecret(random, INVITATION_PREFIX);
  const invitation = await invitations.create({
    ...link,
    id: uuid({ msecs: clock() }),
    hash: hashOf(secret),
    createdBy: by.username,
  });
  return { invitation, secret };
}

function lifeAsked({ expiresInSeconds }: LinkToMake, { lifeMs }: InvitationParts): number {
  const most = lifeMs / 1000;
  if (expiresInSeconds !== undefined && (expiresInSeconds < 1 || expiresInSeconds > most)) {
    throw invalid(
      `Invalid value for parameter 'expires_in_seconds': it must be from 1 to ${most} (invitation_hours).`,
    );
  }
  return expiresInSeconds === undefined ? lifeMs : expiresInSeconds * 1000;
}
