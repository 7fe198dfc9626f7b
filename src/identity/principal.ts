import type { IncomingHttpHeaders } from 'node:http';
import type { ApiError } from '../errors.ts';
import type { Subject } from '../policy/decide.ts';
import type { Grant } from '../policy/grant.ts';
import type { RootKind } from '../policy/resources.ts';

/** What a caller proved who they are with. */
export interface Credential {
  readonly kind: 'password' | 'token' | 'session' | 'oidc';
  /** Tells it from others of its user, where there are several. */
  readonly id?: string;
  /** From when on it proves nothing any more (milliseconds since the epoch); undefined for never. */
  readonly expiresAt?: number | undefined;
}

/** A caller who has proved who they are. */
export interface SignedIn extends Subject {
  readonly kind: 'user';
  readonly id: number;
  readonly username: string;
  readonly credential: Credential;
  /** Signed in with a password that another has chosen, and that has to be changed before anything else. */
  readonly mustChangePassword: boolean;
  /** The credential was checked for this very request, not remembered from one before: a sign-in. */
  readonly isSignIn?: boolean;
  /** Every grant on things of a kind, for listing what may be seen. */
  grantsOfKind(kind: RootKind): readonly Grant[];
  /** The workspace that the caller is in: what the grants are of. */
  readonly workspace: string;
  /** The same caller in a workspace of an MLflow that has them, see `within` of ./within.ts. */
  standingIn(workspace: string): Standing;
}

/** What a caller is in one workspace. */
export interface Standing extends Pick<SignedIn, 'grantsOn' | 'grantsOfKind'> {
  /** Has a role there, or was granted something. */
  readonly isPresent: boolean;
}

/** Who is calling. */
export type Principal = SignedIn | { readonly kind: 'anonymous' };

export const ANONYMOUS: Principal = { kind: 'anonymous' };

/** The parts of a request that a way of proving identity looks at. */
export interface Presented {
  readonly headers: IncomingHttpHeaders;
  /** The address of the client, as far as the gateway trusts what it was told. */
  readonly ip: string;
  readonly method: string;
  /** The canonical path. */
  readonly path: string;
  /** Whether it has come by https, as far as the gateway trusts what it was told. */
  readonly isSecure: boolean;
  /** The request is looked at for the first time, right after those of others that have come with it. */
  readonly arrives?: boolean;
}

/** A credential that does not prove anything. */
export interface Refused {
  /** Why, for log and audit; never sent to the caller. */
  readonly refused: string;
  /** The name that was tried, where the credential holds one. */
  readonly triedAs?: string;
  /** What the caller is told, in place of how to sign in. */
  readonly told?: string;
  /** What to answer in place of a 401, where that says better what to do. */
  readonly error?: ApiError;
  /** It was good once: that it is not any more is no failed sign-in. */
  readonly isOver?: boolean;
}

/**
 * What one way of proving identity says of a request: the principal, a refusal of a credential of its kind that is
 * wrong, or `'not-mine'` when it should be left to the next way.
 */
export type Verdict = SignedIn | Refused | 'not-mine';

/**
 * One way of proving identity.
 *
 * A request may be asked about twice, at its head and when its body has arrived: asking about a credential that is right
 * changes nothing.
 */
export interface Authenticator {
  /** What a caller without credentials is told about it, in `WWW-Authenticate` (RFC 9110, section 11.6.1). */
  readonly challenge?: string | undefined;
  /** Answers at once where it can, so that a known caller costs no turn of the event loop. */
  authenticate(presented: Presented): Verdict | Promise<Verdict>;
}
