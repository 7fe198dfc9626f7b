import { recentlyUsed } from '../recently-used.ts';
import type { TokenOwner } from '../store/tokens.ts';
import type { Token } from '../store/types.ts';
import { type Account, type Accounts, admitted, asSignIn } from './accounts.ts';
import { readCredentials } from './basic.ts';
import type { Authenticator, Presented, Refused, Verdict } from './principal.ts';
import { formOf, hashOf, holdsToken, TOKEN_PREFIX } from './token-secret.ts';

export interface TokenOptions {
  readonly accounts: Accounts;
  /** Asks the store whose the secret with this hash is. */
  readonly ownerOf: (hash: string) => Promise<TokenOwner | undefined>;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** A secret as it was sent. */
interface Sent {
  readonly secret: string;
  /** Whether nothing but a token can be meant. */
  readonly isOurs: boolean;
  /** The name beside it, in HTTP basic. */
  readonly username: string | undefined;
}

/** How many secrets are known by whose they are. */
const REMEMBERED = 50_000;

/**
 * Tokens: `Authorization: Bearer SECRET` (RFC 6750), or as the password of HTTP basic with the name of their user.
 *
 * What is remembered of a secret is only whose it is, which never changes. Whether it is good is asked of the account,
 * which holds its user's tokens and is forgotten when the store's change feed names the user: a token that is deleted or
 * rotated by any process is refused on the next request.
 */
export function createToken({ accounts, ownerOf, clock }: TokenOptions): Authenticator {
  const usernames = recentlyUsed<string>(REMEMBERED);

  return {
    authenticate({ headers, arrives }: Presented): Verdict | Promise<Verdict> {
      const sent = sentIn(headers.authorization);
      if (sent === undefined || 'refused' in sent) {
        return sent ?? 'not-mine';
      }
      const hash = hashOf(sent.secret);
      const username = usernames.get(hash);
      if (username === undefined) {
        return verdictOnForm(sent) ?? lookUp(hash, sent);
      }
      const account = accounts.byName(username, arrives);
      return account instanceof Promise
        ? account.then((loaded) => verdictOn(loaded, hash, sent) ?? lookUp(hash, sent))
        : (verdictOn(account, hash, sent) ?? lookUp(hash, sent));
    },
  };

  /** Undefined where the account has no such token, or not any more. */
  function verdictOn(account: Account | undefined, hash: string, sent: Sent): Verdict | undefined {
    const token = account?.tokens.get(hash);
    if (account === undefined || token === undefined) {
      return undefined;
    }
    const { username } = account.user;
    if (sent.username !== undefined && sent.username !== username) {
      return { refused: 'the token is of another user', triedAs: sent.username };
    }
    return isOver(token) ? expired(username) : admitted(account, account.principalBy(token));
  }

  /** Asks the store whose a secret is: once for a good one, and each time for any other. */
  async function lookUp(hash: string, sent: Sent): Promise<Verdict> {
    const owner = await ownerOf(hash);
    if (owner === undefined) {
      usernames.delete(hash);
      return { refused: 'there is no such token', ...(sent.username && { triedAs: sent.username }) };
    }
    if (isOver(owner)) {
      return expired(owner.username);
    }
    usernames.set(hash, owner.username);
    return asSignIn(
      verdictOn(await accounts.byName(owner.username), hash, sent) ?? {
        refused: 'the token is gone',
        triedAs: owner.username,
      },
    );
  }

  function isOver({ expiresAt }: Pick<Token, 'expiresAt'>): boolean {
    return expiresAt !== undefined && expiresAt <= clock();
  }
}

const expired = (triedAs: string): Refused => ({
  refused: 'the token has expired',
  triedAs,
  told: 'Your token has expired. Make another with mlflow-auth-client create-token, or POST /api/2.0/mlflow/users/tokens/create.',
});

const MISTYPED: Refused = {
  refused: 'the token is mistyped',
  told: 'This is not a token as it was shown: a character is wrong or missing. Copy it once more.',
};

/** Refused without its name in any log: the name is the secret. */
const AS_NAME: Refused = {
  refused: 'a token was sent as the name of a user',
  told: "Send the token as Authorization: Bearer TOKEN, or as the password beside its user's name.",
};

/** The secret in a header; a refusal for one that cannot be good, and undefined where there is none. */
function sentIn(authorization: string | undefined): Sent | Refused | undefined {
  if (authorization === undefined) {
    return undefined;
  }
  const [, scheme = '', value = ''] = /^(bearer|basic) +(\S+) *$/i.exec(authorization) ?? [];
  if (scheme.toLowerCase() === 'bearer') {
    return { secret: value, username: undefined, isOurs: value.startsWith(TOKEN_PREFIX) };
  }
  return scheme === '' || !ENCODED.some((prefix) => value.includes(prefix))
    ? undefined
    : sentInBasic(authorization);
}

/** How base64 shows the beginning of a secret, at each of the three places in a group where it may stand. */
const ENCODED = [0, 1, 2].map((before) =>
  Buffer.from('\0'.repeat(before) + TOKEN_PREFIX)
    .toString('base64')
    .slice(Math.ceil((before * 8) / 6), Math.floor(((before + TOKEN_PREFIX.length) * 8) / 6)),
);

/** Not asked of a password, which is not decoded when it is remembered. */
function sentInBasic(authorization: string): Sent | Refused | undefined {
  const credentials = readCredentials(authorization);
  if (credentials === undefined) {
    return undefined;
  }
  const { username, password } = credentials;
  return holdsToken(username) ? AS_NAME : { secret: password, username, isOurs: false };
}

/** What is told by how a secret is written, which is not looked at once it is remembered; undefined for that of a token. */
function verdictOnForm({ secret, isOurs }: Sent): Refused | 'not-mine' | undefined {
  switch (formOf(secret)) {
    case 'token':
      return undefined;
    case 'mistyped':
      return MISTYPED;
    case 'other':
      return isOurs ? MISTYPED : 'not-mine';
  }
}
