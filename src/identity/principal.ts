import type { Subject } from '../policy/decide.ts';
import type { Grant } from '../policy/grant.ts';
import type { RootKind } from '../policy/resources.ts';

/** Somebody who has proved who they are. */
export interface SignedIn extends Subject {
  readonly kind: 'user';
  readonly id: number;
  readonly username: string;
  /** Every grant on things of a kind, for listing what may be seen. */
  grantsOfKind(kind: RootKind): readonly Grant[];
}

/** Who is calling. */
export type Principal = SignedIn | { readonly kind: 'anonymous' };

export const ANONYMOUS: Principal = { kind: 'anonymous' };

/**
 * What one way of proving identity says of a request: the principal, `'refused'` for a credential of
 * its kind that is wrong, or `'not-mine'` when it should be left to the next way.
 */
export type Verdict = SignedIn | 'refused' | 'not-mine';

/** One way of proving identity. Answers at once where it can, so that a known caller costs no turn of the event loop. */
export type Authenticator = (headers: Readonly<Record<string, unknown>>) => Verdict | Promise<Verdict>;
