import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Changing } from '../../audit/changing.ts';
import type { Sealing } from '../../identity/oidc/sealed.ts';
import { hashOf } from '../../identity/token-secret.ts';
import type { SessionParts } from './sessions.ts';
import { makeToken, type ShownToken, type TokenParts } from './tokens.ts';

/** For how long a program may fetch the token that a user has allowed it. */
export const CODE_MS = 120_000;

/** For how long a code is known to be used up: clocks of gateways may differ. */
const USED_MS = 10 * CODE_MS;

/** A program that may have a token, as it is sealed in a code. */
const ALLOWED = z.strictObject({
  /** The session in which its user has allowed it: what ends that ends this. */
  sessionId: z.string(),
  name: z.string(),
  expiresInSeconds: z.int().optional(),
  /** What the verifier of the program is held against (RFC 7636, S256). */
  challenge: z.string(),
  /** Where the code was sent; undefined for one that the user carries over. */
  redirectUri: z.string().optional(),
  /** Milliseconds since the epoch. */
  until: z.number(),
  /** No two codes are alike. */
  nonce: z.string(),
});
export type Allowed = z.output<typeof ALLOWED>;

export interface AllowedPrograms {
  /** Keeps what a code says; every gateway on a store has the same. */
  readonly codes: Sealing;
  readonly tokens: TokenParts;
  readonly sessions: Pick<SessionParts, 'idleMs'>;
}

/** Makes the code by which a program gets its token. Only the holder of the verifier can use it, and only once. */
export function codeFor(
  { codes, tokens: { clock, random } }: AllowedPrograms,
  allowed: Omit<Allowed, 'until' | 'nonce'>,
): string {
  const nonce = random(16).toString('base64url');
  return codes.seal(JSON.stringify({ ...allowed, until: clock() + CODE_MS, nonce }));
}

/** What a program sends for its token. */
export interface Presenting {
  readonly code: string;
  readonly verifier: string;
  readonly redirectUri: string | undefined;
}

/** Why a code that this gateway has made brings no token. */
export interface Unredeemed {
  readonly because: string;
  /** Whose it was, where that is known. */
  readonly username?: string | undefined;
}

/**
 * Makes the token that a user has allowed a program.
 *
 * @returns undefined for what is no code of this store, or one that came too late: nothing is looked up for it.
 * @throws ApiError 400 if the user has too many tokens.
 * @see RFC 6749, section 4.1.3; RFC 7636, section 4.6
 */
export async function redeem(
  changing: Pick<Changing, 'atOnce'>,
  parts: AllowedPrograms,
  presenting: Presenting,
): Promise<ShownToken | Unredeemed | undefined> {
  const { clock } = parts.tokens;
  const allowed = readCode(parts, presenting.code);
  if (allowed === undefined || allowed.until <= clock()) {
    return undefined;
  }
  return changing.atOnce(async ({ providerSessions, sessions, users, tokens }) => {
    // Used up by whatever comes with it: a code that was seen by others is worth nothing any more.
    const isNew = await providerSessions.use(hashOf(presenting.code), USED_MS);
    const session = await sessions.get(allowed.sessionId);
    const problem = isNew ? problemOf(allowed, presenting) : 'the code was used before';
    if (problem !== undefined) {
      return { because: problem, username: session?.username };
    }
    const user = session && (await users.getById(session.userId));
    const isOver =
      session === undefined ||
      session.expiresAt <= clock() ||
      session.lastUsedAt + parts.sessions.idleMs <= clock();
    if (isOver || user?.isActive !== true) {
      return { because: 'the session in which it was allowed has ended', username: user?.username };
    }
    const { username } = user;
    const credential = { kind: 'session', id: session.id } as const;
    // The request comes without credentials: the entry is the user's.
    const theirs: Changing['tokens'] = {
      ...tokens,
      create: (token) => tokens.create(token, { username, credential }),
    };
    return makeToken(
      theirs,
      parts.tokens,
      { username, credential, ceiling: undefined },
      {
        owner: user,
        name: allowed.name,
        expiresInSeconds: allowed.expiresInSeconds,
        ceiling: undefined,
      },
    );
  });
}

function readCode({ codes }: AllowedPrograms, code: string): Allowed | undefined {
  const text = codes.open(code);
  return text === undefined ? undefined : ALLOWED.safeParse(JSON.parse(text)).data;
}

function problemOf({ challenge, redirectUri }: Allowed, presenting: Presenting): string | undefined {
  if (redirectUri !== presenting.redirectUri) {
    return 'the code was sent to another address';
  }
  return challengeOf(presenting.verifier) === challenge ? undefined : 'the code is of another program';
}

/** What a program shows of its verifier beforehand (RFC 7636, section 4.2). */
export const challengeOf = (verifier: string): string =>
  createHash('sha256').update(verifier).digest('base64url');
