import type { ReadingStore } from '../../audit/changing.ts';
import { principalOf } from '../../identity/accounts.ts';
import type { SignedIn } from '../../identity/principal.ts';
import type { Decision } from '../../policy/decide.ts';
import { ACTIONS, type Explanation, explain } from '../../policy/explain.ts';
import type { Grant } from '../../policy/grant.ts';
import type { Action, Permission } from '../../policy/permissions.ts';
import { ALL, type Root, rootAround } from '../../policy/resources.ts';

/** A user who may do something to a thing. */
export interface Holder {
  readonly username: string;
  readonly explained: Explanation;
  /** The user's own grant on just this root, whether or not it is what decides. */
  readonly own: Grant | undefined;
}

export interface HoldersParts {
  readonly store: Pick<ReadingStore, 'users' | 'grants'>;
  readonly deciding: { readonly onRoot: (caller: SignedIn, action: Action, root: Root) => Decision };
  readonly defaultPermission: Permission;
}

/**
 * Everybody who may do anything to a root, by name: by a grant, by a role, by default, or as an admin. Users who are
 * disabled may do nothing.
 *
 * @param page.after - the name that the page before ended with.
 * @param page.shows - whether the asker may be told of a user.
 */
export async function holdersOf(
  { store, deciding, defaultPermission }: HoldersParts,
  root: Root,
  page: {
    readonly limit: number;
    readonly after: string | undefined;
    readonly shows: (username: string, explained: Explanation) => boolean;
  },
): Promise<readonly Holder[]> {
  const [types, patterns] = bearingOn(root);
  const [users, held] = await Promise.all([store.users.list(), store.grants.heldOn(types, patterns)]);
  const { after, limit } = page;
  const holders: Holder[] = [];
  for (const user of users.toSorted(byName)) {
    if (!user.isActive || (after !== undefined && user.username <= after)) {
      continue;
    }
    const grants = held.get(user.id) ?? [];
    const subject = principalOf({ user, grants });
    const decisions = ACTIONS.map((action) => deciding.onRoot(subject, action, root));
    const explained = explain(decisions, defaultPermission);
    if (explained.actions.length > 0 && page.shows(user.username, explained)) {
      holders.push({ username: user.username, explained, own: grants.find(isOwnOn(root)) });
    }
    if (holders.length === limit) {
      break;
    }
  }
  return holders;
}

/** Models and prompts share their names: a grant on either is on the root. */
const isOwnOn =
  ({ kind, id }: Root) =>
  ({ via, resourceType, resourcePattern }: Grant): boolean =>
    via === 'user' &&
    resourcePattern === id &&
    (resourceType === kind || (IN_REGISTRY.has(kind) && IN_REGISTRY.has(resourceType)));

const IN_REGISTRY: ReadonlySet<string> = new Set(['registered_model', 'prompt']);

const byName = (one: { readonly username: string }, other: { readonly username: string }): number =>
  one.username < other.username ? -1 : one.username > other.username ? 1 : 0;

/** Types and patterns that no grant outside of can bear on a root. */
function bearingOn(root: Root): readonly [types: readonly string[], patterns: readonly string[]] {
  const around = rootAround(root);
  // Models and prompts share their names.
  const types = new Set([
    root.kind,
    'workspace',
    'registered_model',
    'prompt',
    ...(around ? [around.kind] : []),
  ]);
  return [[...types], [...new Set([root.id, ALL, ...(around ? [around.id] : [])])]];
}
