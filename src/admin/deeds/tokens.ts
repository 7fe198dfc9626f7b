import { v7 as uuid } from 'uuid';
import type { Changing } from '../../audit/changing.ts';
import { denied, invalid } from '../../errors.ts';
import type { SignedIn } from '../../identity/principal.ts';
import { hashOf, makeSecret, prefixOf } from '../../identity/token-secret.ts';
import { type Ceiling, isWithin } from '../../policy/ceiling.ts';
import { mayDoEverything } from '../../policy/decide.ts';
import type { Token, User } from '../../store/types.ts';

export interface TokenParts {
  /** The longest that a token may live, in days; 0 for no end. */
  readonly maxDays: number;
  /** How long one lives whose maker does not say. */
  readonly defaultDays: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly random: (bytes: number) => Buffer;
}

/** What a new token is to be. */
export interface TokenToMake {
  readonly owner: Pick<User, 'id'>;
  readonly name: string;
  /** Undefined for the default; 0 for ever. */
  readonly expiresInSeconds: number | undefined;
  readonly ceiling: Ceiling | undefined;
}

/** A token with its secret, which is shown once and kept nowhere. */
export interface ShownToken {
  readonly token: Token;
  readonly secret: string;
}

const DAY_MS = 86_400_000;
/** No token needs to outlive its century; dates far beyond cannot be written. */
const MOST_DAYS = 36_500;
const LONGEST_NAME = 255;

/**
 * Makes a token.
 *
 * @throws ApiError 400 for a name or a life that no token can have, 403 for a token that would be more than the one it is
 * made by.
 */
export async function makeToken(
  tokens: Changing['tokens'],
  parts: TokenParts,
  caller: Pick<SignedIn, 'username' | 'credential' | 'ceiling'>,
  { owner, name, expiresInSeconds, ceiling }: TokenToMake,
): Promise<ShownToken> {
  const lifeMs = checkNewToken({ name, expiresInSeconds }, parts);
  if (!isWithin(ceiling, caller.ceiling)) {
    throw denied('A token makes none that may do more. Name a scope within its own.', 'a wider scope');
  }
  if (expiresInSeconds !== undefined) {
    refuseOutliving(caller, lifeMs, parts);
  }
  const { secret, kept } = newSecret(parts);
  const token = await tokens.create({
    ...kept,
    id: uuid({ msecs: parts.clock() }),
    userId: owner.id,
    name,
    ceiling,
    lifeMs,
    notAfter: boundOf(caller),
    createdBy: caller.username,
  });
  return { token, secret };
}

/**
 * How long a token would live, in milliseconds; undefined for ever.
 *
 * @throws ApiError 400 for a name or a life that no token can have.
 */
export function checkNewToken(
  { name, expiresInSeconds }: Pick<TokenToMake, 'name' | 'expiresInSeconds'>,
  parts: TokenParts,
): number | undefined {
  checkName(name);
  return expiresInSeconds === undefined ? defaultDays(parts) * DAY_MS : lifeAsked(expiresInSeconds, parts);
}

/**
 * Gives a token another secret, for as long a life as before; one that rotates itself does not live on by it.
 *
 * @returns undefined if it is gone.
 * @throws ApiError 403 for a token that is more than the one that the caller signed in with.
 */
export async function rotateToken(
  tokens: Changing['tokens'],
  parts: TokenParts,
  caller: SignedIn,
  token: Token,
): Promise<ShownToken | undefined> {
  const lifeMs = lifeAgain(token, parts);
  if (caller.credential.id !== token.id) {
    if (!isWithin(token.ceiling, caller.ceiling)) {
      throw denied('A token rotates none that may do more.', 'a wider scope');
    }
    refuseOutliving(caller, lifeMs, parts);
  }
  const { secret, kept } = newSecret(parts);
  const rotated = await tokens.rotate(token.id, { ...kept, lifeMs, notAfter: boundOf(caller) });
  return rotated && { token: rotated, secret };
}

/** Whether a caller may know of a token: its owner may, and an admin, each by a credential that is not confined to less. */
export function mayKnow(caller: SignedIn, token: Token): boolean {
  const { resources } = caller.ceiling ?? {};
  return (
    (caller.id === token.userId || mayDoEverything(caller)) &&
    (resources === undefined || isWithin(token.ceiling, { resources }))
  );
}

function newSecret({ random }: TokenParts) {
  const secret = makeSecret(random);
  return { secret, kept: { hash: hashOf(secret), prefix: prefixOf(secret) } };
}

function checkName(name: string): void {
  if (name.trim() === '' || name.length > LONGEST_NAME || /\p{C}/u.test(name)) {
    throw invalid(
      `Invalid value for parameter 'name': it must be 1 to ${LONGEST_NAME} characters, none of them control characters.`,
    );
  }
}

const defaultDays = (parts: TokenParts): number =>
  parts.maxDays === 0 ? parts.defaultDays : Math.min(parts.defaultDays, parts.maxDays);

/** @returns the life in milliseconds; undefined for one without end. */
function lifeAsked(seconds: number, { maxDays }: TokenParts): number | undefined {
  if (seconds === 0 && maxDays === 0) {
    return undefined;
  }
  const most = (maxDays === 0 ? MOST_DAYS : maxDays) * (DAY_MS / 1000);
  if (seconds < 1 || seconds > most) {
    throw invalid(
      `Invalid value for parameter 'expires_in_seconds': it must be from 1 to ${most}${maxDays === 0 ? ', or 0 for ever' : ' (token_max_days)'}.`,
    );
  }
  return seconds * 1000;
}

/** As long a life as a token had, if the settings still allow it. */
function lifeAgain({ createdAt, expiresAt }: Token, { maxDays }: TokenParts): number | undefined {
  const before = expiresAt === undefined ? undefined : expiresAt - createdAt;
  if (maxDays === 0) {
    return before;
  }
  return Math.min(before ?? Number.POSITIVE_INFINITY, maxDays * DAY_MS);
}

/** When what a caller signed in with ends, if that is a token, of this gateway or of a provider. */
const boundOf = ({ credential }: Pick<SignedIn, 'credential'>): number | undefined =>
  credential.kind === 'token' || credential.kind === 'oidc' ? credential.expiresAt : undefined;

function refuseOutliving(
  caller: Pick<SignedIn, 'credential'>,
  lifeMs: number | undefined,
  { clock }: TokenParts,
): void {
  const bound = boundOf(caller);
  if (bound !== undefined && (lifeMs === undefined || clock() + lifeMs > bound)) {
    throw denied(
      'A token makes and rotates none that outlives it. Ask for a shorter life, or sign in with your password.',
      'it would outlive the token',
    );
  }
}
