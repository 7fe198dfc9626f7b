import type { Ceiling } from '../policy/ceiling.ts';
import type { Grant } from '../policy/grant.ts';

/** The hash of no password: nobody signs in with it. */
export const NO_PASSWORD = '!';

/** A user as stored. `id` never comes back after a deletion. */
export interface User {
  readonly id: number;
  readonly username: string;
  readonly passwordHash: string;
  readonly isAdmin: boolean;
  /** Whether they may sign in, by whatever credential. */
  readonly isActive: boolean;
  /** A machine's account: it has no password, and signs in by tokens alone. */
  readonly isService: boolean;
  /** The password was chosen by another, and has to be changed before it is good for anything else. */
  readonly mustChangePassword: boolean;
  /** The name of the user who made them, if it was one. */
  readonly createdBy: string | undefined;
  /** Since when there has been this user, in milliseconds since the epoch. */
  readonly createdAt: number;
}

/** A user with everything that decides what it may do. */
export interface Account {
  readonly user: User;
  /** In the workspace that is asked about, which is the default one if none is. */
  readonly grants: readonly Grant[];
  /** In every workspace that the user has a role or a grant in, by its name. */
  readonly held: ReadonlyMap<string, readonly Grant[]>;
  /** The tokens that had not expired then, under the hashes of their secrets. */
  readonly tokens: ReadonlyMap<string, Token>;
  /** What providers of single sign-on call the user, see `identityKey`. */
  readonly identities: ReadonlySet<string>;
  /** Until when some of the grants hold (milliseconds since the epoch); undefined if all hold until something changes. */
  readonly holdsUntil: number | undefined;
  /** The sessions whose time was not over then, under the hashes of their secrets. */
  readonly sessions: ReadonlyMap<string, Session>;
}

/** What a provider of single sign-on calls somebody (OpenID Connect Core 1.0, section 5.7: never given to another). */
export interface Subject {
  readonly issuer: string;
  readonly subject: string;
}

/** Tells one subject of one provider from all others. */
export const identityKey = ({ issuer, subject }: Subject): string => JSON.stringify([issuer, subject]);

/** A token by which a user signs in, without its secret. */
export interface Token {
  /** In the order of their making. */
  readonly id: string;
  readonly userId: number;
  readonly username: string;
  readonly name: string;
  /** How the secret begins. */
  readonly prefix: string;
  /** The most that it may do; undefined for all that its user may. */
  readonly ceiling: Ceiling | undefined;
  /** Since when there has been its secret, in milliseconds since the epoch. */
  readonly createdAt: number;
  /** From when on it is refused; undefined for never. */
  readonly expiresAt: number | undefined;
  readonly lastUsedAt: number | undefined;
  /** The name of the user who made it. */
  readonly createdBy: string | undefined;
}

/** A browser in which a user has signed in, without the secret that it shows. */
export interface Session {
  /** In the order of their beginning. */
  readonly id: string;
  readonly userId: number;
  readonly username: string;
  /** Milliseconds since the epoch, as all times. */
  readonly createdAt: number;
  readonly lastUsedAt: number;
  /** From when on it is refused, however often it is used. */
  readonly expiresAt: number;
  /** The address that it was begun from. */
  readonly ip: string | undefined;
  readonly userAgent: string | undefined;
}

/** What a link is for that lets somebody choose a password. */
export type InvitationKind = 'invitation' | 'password_reset';

/** A link by which a user chooses a password, once, without the secret in it. */
export interface Invitation {
  /** In the order of their making. */
  readonly id: string;
  readonly userId: number;
  readonly username: string;
  readonly kind: InvitationKind;
  /** Milliseconds since the epoch, as all times. */
  readonly createdAt: number;
  /** From when on it is refused. */
  readonly expiresAt: number;
  /** The name of the user who made it. */
  readonly createdBy: string;
}

/** What a create, rename or delete is about to do upstream, written before it is forwarded. */
export type IntentAction =
  | { readonly action: 'create'; readonly kind: string; readonly name: string }
  | { readonly action: 'rename'; readonly kind: string; readonly name: string; readonly newName: string }
  | { readonly action: 'delete'; readonly kind: string; readonly name: string };

export type Intent = IntentAction & {
  readonly id: number;
  readonly userId: number;
  /** Milliseconds since the epoch, by the gateway's clock. */
  readonly createdAt: number;
  /** What had the name when the intent was opened, or was told of since; undefined if nobody looked. */
  readonly seen: Seen | undefined;
};

/**
 * What had a name: the moment at which it came into being tells it from anything else that ever had the name
 * (milliseconds since the epoch, by the upstream's clock; a rename leaves it as it is).
 */
export type Seen = number | 'nothing';

/** An intent as found in the store. */
export type OpenIntent = Intent & {
  /** Whether a gateway is waiting for the answer; it says so every few moments for as long as it is. */
  readonly isHeld: boolean;
  /** Until when one was (milliseconds since the epoch). */
  readonly heldUntil: number;
};

/** Who started something that the upstream keeps no owner for (jobs, review queues). */
export interface Owner {
  readonly userId: number;
  readonly experimentId: string | undefined;
}
