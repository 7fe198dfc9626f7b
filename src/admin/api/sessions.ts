import type { ReadingStore } from '../../audit/changing.ts';
import { notFound } from '../../errors.ts';
import { mayDoEverything } from '../../policy/decide.ts';
import type { Reply } from '../../reply.ts';
import type { Session } from '../../store/types.ts';
import { ofCredentials } from '../contract/credentials.ts';
import type { Answer } from '../contract/index.ts';
import { mayKnowSession, type SessionParts } from '../deeds/sessions.ts';
import { type Call, callerOf, DONE } from '../handler.ts';
import { pageAskedIn, pageOf } from './paging.ts';
import { bodyOf, existingUser, queryOf } from './parameters.ts';

/** Browsers in which users have signed in: each user's own to list and end, and an admin's for all. */
export function sessionHandlers(
  { users, sessions }: Pick<ReadingStore, 'users' | 'sessions'>,
  { idleMs }: Pick<SessionParts, 'idleMs'>,
) {
  return {
    async 'sessions.list'(call: Call): Promise<Reply> {
      const caller = callerOf(call);
      const { username } = queryOf(call, ofCredentials['sessions.list'].query);
      const page = pageAskedIn(call, 'string');
      const everybody = username === undefined && mayDoEverything(caller);
      const userId = username == null ? caller.id : (await existingUser(users, username)).id;
      const rows = await sessions.list({
        userId: everybody ? undefined : userId,
        after: page.after?.map(String)[0],
        max: page.max + 1,
        idleMs,
      });
      const { shown, next } = pageOf(rows, page, ({ id }) => [id]);
      const { credential } = caller;
      const isCurrent = ({ id }: Session) => credential.kind === 'session' && credential.id === id;
      return { body: { sessions: shown.map((each) => sessionJson(each, isCurrent(each))), ...next } };
    },

    async 'sessions.delete'(call: Call): Promise<Reply> {
      const { session_id: id } = bodyOf(call, ofCredentials['sessions.delete'].body);
      const session = await sessions.get(id);
      if (session === undefined || !mayKnowSession(callerOf(call), session)) {
        throw notFound(`Session with session_id=${id} not found`);
      }
      await call.changing.sessions.end(session, 'deleted');
      return DONE;
    },
  };
}

/** A session as the API shows it. */
function sessionJson(session: Session, isCurrent: boolean): Answer<'sessions.list'>['sessions'][number] {
  return {
    session_id: session.id,
    username: session.username,
    created_at: session.createdAt,
    last_used_at: session.lastUsedAt,
    expires_at: session.expiresAt,
    ip: session.ip ?? null,
    user_agent: session.userAgent ?? null,
    is_current: isCurrent,
  };
}
