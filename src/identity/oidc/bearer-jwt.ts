import { hash as digest } from 'node:crypto';
import { issuerKey } from '../../config/providers.ts';
import { denied } from '../../errors.ts';
import { recentlyUsed } from '../../recently-used.ts';
import { identityKey } from '../../store/types.ts';
import { type Account, type Accounts, admitted, asSignIn } from '../accounts.ts';
import type { Authenticator, Credential, Presented, Refused, SignedIn, Verdict } from '../principal.ts';
import { isJwt, issuerIn, LEEWAY_SECONDS, type Verified, verifyAccessToken } from './access-token.ts';
import { hasClaim } from './claims.ts';
import { type Provided, providedBy } from './provided.ts';
import type { Provider } from './provider.ts';

export interface BearerJwtOptions {
  readonly accounts: Accounts;
  readonly providers: readonly Provider[];
  /** Finds or makes the user whom a provider means, and has them in its groups; answers their name. */
  readonly settle: (provided: Provided) => Promise<string | Refused>;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** A token that was verified before: whose it is does not change while it lives, and whether that counts is asked of the account. */
interface Remembered {
  readonly username: string;
  /** What the provider calls the user, see `identityKey`; undefined for a service account. */
  readonly identity: string | undefined;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly credential: Credential;
  /** The principal of that very account. */
  made: { readonly account: Account; readonly principal: SignedIn } | undefined;
}

/** How many tokens are known by whose they are. */
const REMEMBERED = 50_000;

/**
 * Access tokens of the providers of single sign-on: `Authorization: Bearer JWT` (RFC 6750, RFC 9068).
 *
 * What is remembered of a token is that its signature was right and whom it means. Whether that user may come in is asked
 * of the account, which is forgotten when the store's change feed names the user: one who is disabled, deleted or no
 * longer linked is refused on the next request.
 */
export function createBearerJwt(options: BearerJwtOptions): Authenticator {
  const { accounts, clock } = options;
  const signIn = createSignIn(options);
  const remembered = recentlyUsed<Remembered>(REMEMBERED);
  const checking = new Map<string, Promise<Verdict>>();
  return {
    authenticate({ headers, arrives }: Presented): Verdict | Promise<Verdict> {
      const token = jwtIn(headers.authorization);
      return token === undefined
        ? 'not-mine'
        : prove(digest('sha256', token, 'base64'), token, check, arrives);
    },
  };

  /** @param otherwise - checks a token that is not known to be good. */
  function prove(
    key: string,
    token: string,
    otherwise: typeof check,
    arrives?: boolean,
  ): Verdict | Promise<Verdict> {
    const known = remembered.get(key);
    if (known === undefined || isOver(known)) {
      remembered.delete(key);
      return otherwise(key, token);
    }
    const account = accounts.byName(known.username, arrives);
    return account instanceof Promise
      ? account.then((loaded) => verdictOn(loaded, known) ?? otherwise(key, token))
      : (verdictOn(account, known) ?? otherwise(key, token));
  }

  function isOver({ expiresAt }: Remembered): boolean {
    return expiresAt + LEEWAY_SECONDS * 1000 <= clock();
  }

  /**
   * Checks a token once, however many requests carry it at the same time. A check that runs may have looked at the user
   * before a change that counts for who comes now: all of them have what a look afterwards says.
   */
  function check(key: string, token: string): Promise<Verdict> {
    const running = checking.get(key);
    if (running === undefined) {
      // Of requests that come with it at the same time, one signs in.
      return begin(key, token).then(asSignIn);
    }
    // One that runs by then was begun after all who waited had come.
    const again = () => prove(key, token, () => checking.get(key) ?? begin(key, token));
    return running.then(again, again);
  }

  function begin(key: string, token: string): Promise<Verdict> {
    const verdict = signIn(key, token, (known) => remembered.set(key, known)).finally(() =>
      checking.delete(key),
    );
    checking.set(key, verdict);
    return verdict;
  }
}

/** Finds out whose tokens are, see {@link createBearerJwt}. */
function createSignIn({ accounts, providers, settle, clock }: BearerJwtOptions) {
  const byIssuer = new Map(providers.map((provider) => [issuerKey(provider.config.issuer), provider]));

  /** Whose a token is: a service account's where its claims are mapped, else the user's whom the provider means. */
  async function usernameOf(verified: Verified): Promise<string | Refused> {
    const mappings = verified.provider.config.service_accounts;
    if (mappings === undefined) {
      return settle(providedBy(verified));
    }
    const mapping = mappings.find(({ claims }) => claims.every((each) => hasClaim(verified.claims, each)));
    return mapping?.account ?? noMapping(verified);
  }

  /** @param remember - takes what is known of a token that may come in. */
  return async (key: string, token: string, remember: (known: Remembered) => void): Promise<Verdict> => {
    const issuer = issuerIn(token);
    const provider = issuer === undefined ? undefined : byIssuer.get(issuerKey(issuer));
    if (provider === undefined) {
      return { refused: 'a token of none of the providers' };
    }
    const verified = await verifyAccessToken(token, provider, clock());
    if ('refused' in verified) {
      return verified;
    }
    const username = await usernameOf(verified);
    if (typeof username !== 'string') {
      return username;
    }
    const known = toRemember(verified, username, key);
    const verdict = verdictOn(await accounts.byName(username), known);
    if (verdict === undefined) {
      return notMeant(username);
    }
    remember(known);
    return verdict;
  };
}

/** Without what else stands in the token, which may be much. */
function toRemember(verified: Verified, username: string, hash: string): Remembered {
  const isMapped = verified.provider.config.service_accounts !== undefined;
  return {
    username,
    identity: isMapped ? undefined : identityKey(verified),
    expiresAt: verified.expiresAt,
    credential: credentialOf(verified, hash),
    made: undefined,
  };
}

/** Undefined where the account is not, or not any more, the one that the token means. */
function verdictOn(account: Account | undefined, known: Remembered): Verdict | undefined {
  const { identity, credential } = known;
  if (account === undefined) {
    return undefined;
  }
  const isMeant = identity === undefined ? account.user.isService : account.identities.has(identity);
  if (!isMeant) {
    return undefined;
  }
  if (known.made?.account !== account) {
    const principal = { ...account.principal, credential, mustChangePassword: false };
    known.made = { account, principal };
  }
  return admitted(account, known.made.principal);
}

/** Named by the id that its provider gave it, else by its own beginning of a hash, which opens nothing. */
function credentialOf({ provider, claims, expiresAt }: Verified, hash: string): Credential {
  const { jti } = claims;
  const id = typeof jti === 'string' && /^[\x21-\x7e]{1,100}$/.test(jti) ? jti : hash.slice(0, 12);
  return { kind: 'oidc', id: `${provider.name}/${id}`, expiresAt };
}

function noMapping({ provider: { name }, subject }: Verified): Refused {
  const because = `the token of ${name} for ${subject.slice(0, 200)} stands for no service account`;
  return {
    refused: because,
    error: denied(
      `Your token of ${name} stands for no service account. Ask an admin for an entry of service_accounts.`,
      because,
    ),
  };
}

function notMeant(username: string): Refused {
  const because = `the token stands for ${username}, who is no service account, or is gone`;
  return {
    refused: because,
    triedAs: username,
    error: denied(
      'Your token stands for a service account that is not there. Ask an admin to make it.',
      because,
    ),
  };
}

/** The token in a header; undefined if there is none, or none of this kind. */
function jwtIn(authorization: string | undefined): string | undefined {
  const [, token = ''] = /^bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
  return isJwt(token) ? token : undefined;
}
