import type { Grant } from '../policy/grant.ts';
import { withMembership } from '../policy/membership.ts';
import type { Resource } from '../policy/resources.ts';
import { recentlyUsed } from '../recently-used.ts';
import type { Change, Follower } from '../store/changes.ts';
import type { Store } from '../store/index.ts';
import type { Session, Account as StoredAccount, Token } from '../store/types.ts';
import { DEFAULT_WORKSPACE } from '../store/workspace.ts';
import type { Credential, Refused, SignedIn, Standing, Verdict } from './principal.ts';

/** A user with everything that decides what it may do, ready to be asked. */
export interface Account extends StoredAccount {
  readonly principal: SignedIn;
  /** The user by one of these tokens, which may do less. */
  principalBy(token: Token): SignedIn;
  /** The user in one of these sessions. */
  principalIn(session: Session): SignedIn;
}

/** The users' accounts, remembered for as long as nothing about them changes. */
export interface Accounts {
  /**
   * The account of exactly this name: at once if it is remembered, else through a promise; undefined if
   * there is none. Whatever any process had committed when this was called counts.
   *
   * @param arrives - asked at the first look at a request: of those that are looked at one right after the other, all that
   * had been committed when the first was looked at counts. It is for requests that had all come before that.
   * @throws ApiError 503 if the store does not answer.
   */
  byName(username: string, arrives?: boolean): Account | undefined | Promise<Account | undefined>;
}

export interface AccountsOptions {
  /** How many accounts to remember. */
  readonly max?: number;
  /** Told of each account that is asked for, and whether the store has to be. */
  readonly found?: ((foundIn: 'memory' | 'store') => void) | undefined;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
}

/**
 * Remembers accounts. Each call first asks the store's change feed, so nothing here has a time to live.
 *
 * An answer that was on its way from the store while anything changed serves those who asked before the
 * change; it is neither remembered nor shared with those who ask after it.
 */
export function createAccounts(
  store: Pick<Store, 'account' | 'changes'>,
  { max = 10_000, found, clock = Date.now }: AccountsOptions = {},
): Accounts {
  const catchUp = createCatchUp(store.changes.follow(), drop);
  const catchUpTogether = onceInARow(catchUp);
  const usernameOf = new Map<number, string>();
  const remembered = recentlyUsed<Account>(max, ({ user }) => usernameOf.delete(user.id));
  const loading = new Map<string, Promise<Account | undefined>>();

  function drop(change: Change): void {
    if (change === 'nothing') {
      return;
    }
    // Whose account is loading is known by name only, and the feed names ids: start all of them afresh.
    loading.clear();
    if (change === 'everybody') {
      remembered.clear();
      return;
    }
    for (const id of change) {
      const username = usernameOf.get(id);
      if (username !== undefined) {
        remembered.delete(username);
      }
    }
  }

  function load(username: string): Promise<Account | undefined> {
    const answer = store
      .account(username)
      .then(async (stored) => {
        await catchUp();
        if (stored === undefined) {
          return undefined;
        }
        const account = createAccount(stored);
        if (loading.get(username) === answer) {
          remembered.set(username, account);
          usernameOf.set(account.user.id, username);
        }
        return account;
      })
      .finally(() => {
        if (loading.get(username) === answer) {
          loading.delete(username);
        }
      });
    loading.set(username, answer);
    return answer;
  }

  function find(username: string): Account | undefined | Promise<Account | undefined> {
    const known = stillHolding(remembered.get(username), clock);
    found?.(known === undefined ? 'store' : 'memory');
    return known ?? loading.get(username) ?? load(username);
  }

  return {
    byName(username, arrives = false) {
      const caughtUp = arrives ? catchUpTogether() : catchUp();
      return caughtUp === undefined ? find(username) : caughtUp.then(() => find(username));
    },
  };
}

/** An account as long as everything in it holds. */
function stillHolding(account: Account | undefined, clock: () => number): Account | undefined {
  return account?.holdsUntil === undefined || clock() < account.holdsUntil ? account : undefined;
}

/**
 * Asks a feed what has changed, and has it dropped: without a promise if the feed knows at once. Several callers may
 * share one answer.
 */
function createCatchUp(feed: Follower, drop: (change: Change) => void): () => Promise<void> | undefined {
  /** The question that is on its way, and what its answer is used for once. */
  let asked: { readonly change: Promise<Change>; readonly heeded: Promise<void> } | undefined;
  return () => {
    const change = feed.next();
    if (!(change instanceof Promise)) {
      drop(change);
      return undefined;
    }
    if (asked?.change !== change) {
      asked = { change, heeded: change.then(drop) };
    }
    return asked.heeded;
  };
}

/**
 * Has those who ask one right after the other, with nothing else in between, ask together. To ask takes three system
 * calls, a twentieth of a request.
 *
 * @param catchUp - asks; answers a promise if the store takes a while.
 */
function onceInARow(catchUp: () => Promise<void> | undefined): () => Promise<void> | undefined {
  let asked: { readonly caughtUp: Promise<void> | undefined } | undefined;
  return () => {
    if (asked === undefined) {
      asked = { caughtUp: catchUp() };
      queueMicrotask(() => {
        asked = undefined;
      });
    }
    return asked.caughtUp;
  };
}

const PASSWORD: Credential = { kind: 'password' };

function createAccount(stored: StoredAccount): Account {
  const principal = principalOf(stored);
  const byToken = new Map<Token, SignedIn>();
  const inSession = new Map<Session, SignedIn>();
  return {
    ...stored,
    principal,
    principalBy(token) {
      const { id, ceiling, expiresAt } = token;
      const known = byToken.get(token) ?? {
        ...principal,
        credential: { kind: 'token', id, expiresAt },
        // The password that was chosen by another is not what proved who this is.
        mustChangePassword: false,
        ceiling,
      };
      byToken.set(token, known);
      return known;
    },
    principalIn(session) {
      const { id, expiresAt } = session;
      const known = inSession.get(session) ?? {
        ...principal,
        credential: { kind: 'session', id, expiresAt },
      };
      inSession.set(session, known);
      return known;
    },
  };
}

/**
 * Who a user is once they have signed in with a password.
 *
 * @param grants - what counts for them, in the default workspace unless the account is of another.
 */
export function principalOf({
  user,
  grants,
  held = NOWHERE,
}: Pick<StoredAccount, 'user' | 'grants'> & Partial<Pick<StoredAccount, 'held'>>): SignedIn {
  const standings = new Map<string, Standing>();
  return {
    kind: 'user',
    id: user.id,
    username: user.username,
    isAdmin: user.isAdmin,
    credential: PASSWORD,
    mustChangePassword: user.mustChangePassword,
    ceiling: undefined,
    workspaces: held,
    workspace: DEFAULT_WORKSPACE,
    standingIn(workspace) {
      const there = held.get(workspace);
      const standing = standings.get(workspace) ?? {
        ...askable(withMembership(there ?? [])),
        isPresent: there !== undefined,
      };
      standings.set(workspace, standing);
      return standing;
    },
    ...askable(grants),
  };
}

const NOWHERE: ReadonlyMap<string, readonly Grant[]> = new Map();

function askable(grants: readonly Grant[]): Pick<SignedIn, 'grantsOn' | 'grantsOfKind'> {
  let index: GrantIndex | undefined;
  return {
    grantsOn(resource) {
      index ??= indexGrants(grants);
      return index.on(resource);
    },
    grantsOfKind: (kind) => grants.filter(({ resourceType }) => resourceType === kind),
  };
}

/** What becomes of a user who has proved to be this user: one who is disabled is let in by no credential. */
export function admitted({ user }: Account, principal: SignedIn): SignedIn | Refused {
  return user.isActive ? principal : { refused: 'the user is disabled', triedAs: user.username };
}

/** Marks what came of a credential that was checked just now, not remembered: if it lets a user in, that is a sign-in. */
export function asSignIn<V extends Verdict>(verdict: V): V {
  return typeof verdict === 'object' && 'kind' in verdict ? { ...verdict, isSignIn: true } : verdict;
}

/** Finds the grants that bear on one resource, however many there are. */
export interface GrantIndex {
  /** The grants on exactly this resource, then those on all of its kind. */
  on(resource: Resource): readonly Grant[];
}

const NONE: readonly Grant[] = [];

/** Builds the index once, in one pass. */
export function indexGrants(grants: readonly Grant[]): GrantIndex {
  const kinds = new Map<string, { readonly exact: Map<string, Grant[]>; readonly all: Grant[] }>();
  for (const grant of grants) {
    const kind = kinds.get(grant.resourceType) ?? { exact: new Map<string, Grant[]>(), all: [] };
    kinds.set(grant.resourceType, kind);
    if (grant.resourcePattern === '*') {
      kind.all.push(grant);
      continue;
    }
    const same = kind.exact.get(grant.resourcePattern);
    if (same === undefined) {
      kind.exact.set(grant.resourcePattern, [grant]);
    } else {
      same.push(grant);
    }
  }
  return {
    on({ kind: type, id }) {
      const kind = kinds.get(type);
      if (kind === undefined) {
        return NONE;
      }
      const exact = kind.exact.get(id);
      if (exact === undefined) {
        return kind.all;
      }
      return kind.all.length === 0 ? exact : [...exact, ...kind.all];
    },
  };
}
