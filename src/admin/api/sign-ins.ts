import type { ReadingStore } from '../../audit/changing.ts';
import type { Reply } from '../../reply.ts';
import type { AuditEntry } from '../../store/audit/entry.ts';
import { ofCredentials } from '../contract/credentials.ts';
import type { Answer } from '../contract/index.ts';
import { type Call, callerOf } from '../handler.ts';
import { pageAskedIn, pageOf } from './paging.ts';
import { existingUser, filtersOf } from './parameters.ts';

type SignIn = Answer<'signIns.list'>['sign_ins'][number];

/**
 * When and from where somebody signed in, or tried to, by exactly the name of a user: each user's own, and an admin's for all. It
 * is what the audit log has of it since there has been this user, so that nobody is told of another who had the name before.
 */
export function signInHandlers({ users, audit }: Pick<ReadingStore, 'users' | 'audit'>) {
  return {
    async 'signIns.list'(call: Call): Promise<Reply> {
      const asked = filtersOf(call, ofCredentials['signIns.list'].query);
      const page = pageAskedIn(call, 'string');
      const user = await existingUser(users, asked.username ?? callerOf(call).username);
      const filter = { username: user.username, action: 'sign_in', since: user.createdAt };
      const found = await audit.search(filter, page.max + 1, page.after?.map(String)[0]);
      const { shown, next } = pageOf(found, page, ({ id }) => [id]);
      return { body: { sign_ins: shown.map(signInJson), ...next } };
    },
  };
}

/** Why it failed is for admins, in the audit log. */
function signInJson({ at, ip, credential, allowed, status }: AuditEntry): SignIn {
  return {
    at,
    ip,
    credential: credential?.kind ?? null,
    outcome: allowed ? 'signed_in' : status === LOCKED_OUT ? 'locked_out' : 'refused',
  };
}

const LOCKED_OUT = 429;
