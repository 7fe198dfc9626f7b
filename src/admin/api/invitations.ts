import type { ReadingStore } from '../../audit/changing.ts';
import { ApiError, denied, notFound } from '../../errors.ts';
import { isTaken } from '../../identity/limited-basic.ts';
import type { Passwords } from '../../identity/password.ts';
import { sessionCookies } from '../../identity/session-cookie.ts';
import type { Throttle } from '../../identity/throttle.ts';
import { hashOf } from '../../identity/token-secret.ts';
import type { Reply } from '../../reply.ts';
import type { Invitation } from '../../store/types.ts';
import type { Answer } from '../contract/index.ts';
import { ofInvitations } from '../contract/invitations.ts';
import {
  accept,
  type InvitationParts,
  invite,
  resetByLink,
  type ShownInvitation,
} from '../deeds/invitations.ts';
import type { SessionParts } from '../deeds/sessions.ts';
import { type Call, callerOf, DONE } from '../handler.ts';
import { sessionOf } from '../pages/signed-in.ts';
import { pageAskedIn, pageOf } from './paging.ts';
import { bodyOf, existingUser, integer, queryOf } from './parameters.ts';

export interface InvitationHandlerParts {
  readonly store: Pick<ReadingStore, 'users' | 'invitations' | 'sessions'>;
  readonly invitations: InvitationParts & {
    /** What others call this gateway; undefined for what the one who invites calls it. */
    readonly publicUrl: string | undefined;
  };
  readonly passwords: Passwords;
  readonly throttle: Throttle;
  readonly sessions: SessionParts;
}

/** Links by which users choose a password: an admin's to make, list and revoke, and good once for who has one. */
export function invitationHandlers(parts: InvitationHandlerParts) {
  return { ...handlersOfAdmins(parts), ...handlersOfAnybody(parts) };
}

function handlersOfAdmins(parts: InvitationHandlerParts) {
  const { store, invitations } = parts;
  return {
    async 'invitations.create'(call: Call): Promise<Reply> {
      const body = bodyOf(call, ofInvitations['invitations.create'].body);
      const made = await invite(call.changing, invitations, {
        username: body.username,
        isAdmin: body.is_admin ?? false,
        roleIds: (body.role_ids ?? []).map((each) => integer('role_ids', each)),
        by: callerOf(call),
        expiresInSeconds: body.expires_in_seconds ?? undefined,
      });
      return shown(call, made, parts);
    },

    async 'invitations.resetPassword'(call: Call): Promise<Reply> {
      const body = bodyOf(call, ofInvitations['invitations.resetPassword'].body);
      const user = await existingUser(store.users, body.username);
      const expiresInSeconds = body.expires_in_seconds ?? undefined;
      const asked = { by: callerOf(call), expiresInSeconds };
      return shown(call, await resetByLink(call.changing, invitations, user, asked), parts);
    },

    async 'invitations.list'(call: Call): Promise<Reply> {
      const { username } = queryOf(call, ofInvitations['invitations.list'].query);
      const page = pageAskedIn(call, 'string');
      const rows = await store.invitations.list({
        userId: username == null ? undefined : (await existingUser(store.users, username)).id,
        after: page.after?.map(String)[0],
        max: page.max + 1,
      });
      const { shown: listed, next } = pageOf(rows, page, ({ id }) => [id]);
      return { body: { invitations: listed.map(invitationJson), ...next } };
    },

    async 'invitations.delete'(call: Call): Promise<Reply> {
      const { invitation_id: id } = bodyOf(call, ofInvitations['invitations.delete'].body);
      if (!(await call.changing.invitations.remove(id))) {
        throw notFound(`Invitation with invitation_id=${id} not found`);
      }
      return DONE;
    },
  };
}

function handlersOfAnybody(parts: InvitationHandlerParts) {
  const { store, passwords } = parts;
  return {
    'invitations.show': (call: Call): Promise<Reply> =>
      asSignIn(async () => {
        const { secret } = bodyOf(call, ofInvitations['invitations.show'].body);
        const { username, kind, expiresAt } = await openOne(call, secret, parts);
        return { headers: NOT_KEPT, body: { username, kind, expires_at: expiresAt } };
      }),

    'invitations.accept': (call: Call): Promise<Reply> =>
      asSignIn(async () => {
        const { secret, password } = bodyOf(call, ofInvitations['invitations.accept'].body);
        await openOne(call, secret, parts);
        // Before the link is used up: a password that breaks a rule is chosen anew.
        passwords.checkRules(password);
        const passwordHash = await passwords.hash(password);
        const begun = await accept(
          call.changing,
          { ...parts.invitations, sessions: parts.sessions },
          {
            ...{ secret, passwordHash, ip: call.ip },
            userAgent: call.headers['user-agent'],
            former: await sessionOf(call, store.sessions),
          },
        );
        if (begun === undefined) {
          throw ended();
        }
        const { username } = begun.session;
        const cookies = sessionCookies(begun.secret, username, call.isSecure);
        return { headers: NOT_KEPT, cookies, body: { username }, because: 'the link is right' };
      }),
  };
}

const NOT_KEPT = { 'cache-control': 'no-store' };

/** One answer to a link that never was, is used, replaced, revoked, expired, or of a user who may not sign in. */
const ended = (): ApiError =>
  denied(
    'This link does not count, or not any more: it is good once, and only for a while. Ask an admin for another.',
    'no such link is open',
  );

/** @throws ApiError 403 if there is none, 429 if too many have been wrong. */
async function openOne(
  { ip }: Call,
  secret: string,
  { store, throttle, invitations: { localSignIn } }: InvitationHandlerParts,
): Promise<Invitation> {
  let found: Invitation | undefined;
  await throttle.attempt({ username: undefined, ip }, async () => {
    found = await store.invitations.byHash(hashOf(secret));
    return found !== undefined;
  });
  const user = found && (await store.users.get(found.username));
  if (found === undefined || user === undefined || !isTaken(localSignIn, user)) {
    throw ended();
  }
  return found;
}

const FAILED: ReadonlySet<number> = new Set([403, 429]);

/** A link that is none is a failed sign-in, for log and audit. */
async function asSignIn(work: () => Promise<Reply>): Promise<Reply> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ApiError && FAILED.has(error.status)) {
      const { status, headers } = error;
      return { status, headers: { ...NOT_KEPT, ...headers }, body: error.toBody(), failedSignIn: { error } };
    }
    throw error;
  }
}

function shown(
  { host, isSecure, prefix }: Call,
  { invitation, secret }: ShownInvitation,
  { invitations: { publicUrl } }: InvitationHandlerParts,
): Reply {
  const address = `${publicUrl ?? `${isSecure ? 'https' : 'http'}://${host}`}${prefix}`;
  // Behind the #, which a browser sends to no server: it is in no log on the way.
  return {
    headers: NOT_KEPT,
    body: { invitation: invitationJson(invitation), link: `${address}/auth/invitation#${secret}` },
  };
}

/** A link as the API shows it. */
function invitationJson(each: Invitation): Answer<'invitations.list'>['invitations'][number] {
  return {
    invitation_id: each.id,
    username: each.username,
    kind: each.kind,
    created_at: each.createdAt,
    expires_at: each.expiresAt,
    created_by: each.createdBy,
  };
}
