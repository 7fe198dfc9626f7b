import type { ReadingStore } from '../../audit/changing.ts';
import { ApiError, notFound } from '../../errors.ts';
import type { SignedIn } from '../../identity/principal.ts';
import { scopeJson } from '../../policy/ceiling.ts';
import { mayDoEverything } from '../../policy/decide.ts';
import type { Reply } from '../../reply.ts';
import type { TokenPage } from '../../store/tokens.ts';
import type { Token } from '../../store/types.ts';
import { ofCredentials } from '../contract/credentials.ts';
import { type AllowedPrograms, redeem, type Unredeemed } from '../deeds/allowed-programs.ts';
import { makeToken, mayKnow, rotateToken, type ShownToken } from '../deeds/tokens.ts';
import { type Call, callerOf, DONE } from '../handler.ts';
import { pageAskedIn, pageOf } from './paging.ts';
import { bodyOf, existingUser, queryOf } from './parameters.ts';
import { ceilingOf } from './token-scope.ts';

type Stored = Pick<ReadingStore, 'tokens' | 'users'>;

/** Tokens by which users sign in: each user's own to make, list, rotate and delete, and an admin's for all. */
export function tokenHandlers(store: Stored, programs: AllowedPrograms) {
  const { tokens: parts } = programs;
  return {
    async 'tokens.create'(call: Call): Promise<Reply> {
      const caller = callerOf(call);
      const body = bodyOf(call, ofCredentials['tokens.create'].body);
      const owner = await existingUser(store.users, body.username ?? caller.username);
      return shown(
        await makeToken(call.changing.tokens, parts, caller, {
          owner,
          name: body.name,
          expiresInSeconds: body.expires_in_seconds ?? undefined,
          ceiling: ceilingOf(body.scope),
        }),
      );
    },

    async 'tokens.list'(call: Call): Promise<Reply> {
      const caller = callerOf(call);
      const { username } = queryOf(call, ofCredentials['tokens.list'].query);
      const page = pageAskedIn(call, 'string');
      const userId = await askedAbout(store, caller, username ?? undefined);
      const after = page.after?.map(String)[0];
      const rows = await known(store, caller, { userId, after, max: page.max + 1 });
      const { shown: listed, next } = pageOf(rows, page, ({ id }) => [id]);
      return { body: { tokens: listed.map(tokenJson), ...next } };
    },

    async 'tokens.rotate'(call: Call): Promise<Reply> {
      const token = await existing(store, call);
      const rotated = await rotateToken(call.changing.tokens, parts, callerOf(call), token);
      if (rotated === undefined) {
        throw missing(token.id);
      }
      return shown(rotated);
    },

    async 'tokens.redeem'(call: Call): Promise<Reply> {
      const body = bodyOf(call, ofCredentials['tokens.redeem'].body);
      const redeemed = await redeem(call.changing, programs, {
        code: body.code,
        verifier: body.code_verifier,
        redirectUri: body.redirect_uri ?? undefined,
      });
      return redeemed !== undefined && 'token' in redeemed
        ? { ...shown(redeemed), because: 'its user has allowed it' }
        : notAllowed(redeemed);
    },

    async 'tokens.delete'(call: Call): Promise<Reply> {
      const { id } = await existing(store, call);
      await call.changing.tokens.remove(id);
      return DONE;
    },
  };
}

/** Whose tokens are listed; undefined for everybody's, which an admin gets who names nobody. */
async function askedAbout(
  { users }: Stored,
  caller: SignedIn,
  username: string | undefined,
): Promise<number | undefined> {
  if (username !== undefined) {
    return (await existingUser(users, username)).id;
  }
  return mayDoEverything(caller) ? undefined : caller.id;
}

/** Tokens that a caller may know of, a page at a time. */
async function known(
  { tokens }: Stored,
  caller: SignedIn,
  { userId, after: from, max }: TokenPage,
): Promise<readonly Token[]> {
  const found: Token[] = [];
  let after = from;
  for (;;) {
    const rows = await tokens.list({ userId, after, max });
    found.push(...rows.filter((token) => mayKnow(caller, token)));
    after = rows.at(-1)?.id;
    if (found.length >= max || rows.length < max) {
      return found.slice(0, max);
    }
  }
}

/** @throws ApiError 404, also for a token that the caller may not know of. */
async function existing({ tokens }: Stored, call: Call): Promise<Token> {
  const { token_id: id } = bodyOf(call, ofCredentials['tokens.delete'].body);
  const token = await tokens.get(id);
  if (token === undefined || !mayKnow(callerOf(call), token)) {
    throw missing(id);
  }
  return token;
}

/** One answer to whatever is wrong with a code. Who has found one out is worth an entry in the audit log. */
function notAllowed(unredeemed: Unredeemed | undefined): Reply {
  const error = new ApiError(
    'UNAUTHENTICATED',
    'This code was used already, took longer than two minutes, or is of another program. Type mlflow-auth-client login again.',
    { because: unredeemed?.because ?? 'this is no code of this gateway, or it took too long' },
  );
  if (unredeemed === undefined) {
    throw error;
  }
  const failedSignIn = { error, triedAs: unredeemed.username };
  return { status: error.status, body: error.toBody(), failedSignIn };
}

const missing = (id: string) => notFound(`Token with token_id=${id} not found`);

const shown = ({ token, secret }: ShownToken): Reply => ({
  headers: { 'cache-control': 'no-store' },
  body: { token: tokenJson(token), secret },
});

/** A token as the API shows it. */
function tokenJson(token: Token) {
  return {
    token_id: token.id,
    name: token.name,
    username: token.username,
    prefix: token.prefix,
    scope: scopeJson(token.ceiling),
    created_at: token.createdAt,
    expires_at: token.expiresAt ?? null,
    last_used_at: token.lastUsedAt ?? null,
    created_by: token.createdBy ?? null,
  };
}
