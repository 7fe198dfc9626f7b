import type { Grant } from '../policy/grant.ts';

/** A user as stored. `id` never comes back after a deletion. */
export interface User {
  readonly id: number;
  readonly username: string;
  readonly passwordHash: string;
  readonly isAdmin: boolean;
  /** Since when there has been this user, in milliseconds since the epoch. */
  readonly createdAt: number;
}

/** A user with everything that decides what it may do. */
export interface Account {
  readonly user: User;
  readonly grants: readonly Grant[];
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
};

/** Who started something that the upstream keeps no owner for (jobs, review queues). */
export interface Owner {
  readonly userId: number;
  readonly experimentId: string | undefined;
}
