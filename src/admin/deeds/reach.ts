import type { SignedIn } from '../../identity/principal.ts';
import type { ListedKind, ListThings } from '../../mlflow/things/list-things.ts';
import type { LookAt, SeenThing } from '../../mlflow/things/look-at.ts';
import type { Decision } from '../../policy/decide.ts';
import { ACTIONS, type Explanation, explain } from '../../policy/explain.ts';
import type { Action, Permission } from '../../policy/permissions.ts';
import type { Root } from '../../policy/resources.ts';

/** What decides what somebody reaches, and what there is. */
export interface ReachParts {
  readonly deciding: {
    onRoot(caller: SignedIn, action: Action, root: Root): Decision;
    /** All ids of a kind that a user may read, in so far as grants name them one by one; undefined if others may be. */
    readable(caller: SignedIn, kind: ListedKind): readonly string[] | undefined;
  };
  readonly lookAt: LookAt;
  readonly listThings: ListThings;
  readonly defaultPermission: Permission;
}

/** A thing that a user may do something to, and why. */
export interface Reached {
  readonly thing: SeenThing;
  readonly explained: Explanation;
}

/** Where a list goes on: behind an id, or in a page of MLflow's behind so many rows. */
export type ReachPlace =
  | { readonly by: 'id'; readonly after: string }
  | { readonly by: 'name'; readonly token: string | undefined; readonly skip: number };

export interface ReachAsked {
  readonly kind: ListedKind;
  readonly contains: string;
  readonly max: number;
  readonly place: ReachPlace | undefined;
}

/** One page, and where the next begins; undefined after the last. */
export interface ReachPage {
  readonly found: readonly Reached[];
  readonly next: ReachPlace | undefined;
}

/** Pages of MLflow's that one request looks through: it is then answered with what there is, and a place to go on. */
const MOST_PAGES = 20;
const LOOKED_AT_ONCE = 4;

/**
 * The experiments or models that a user may do anything to, by the code that decides. Where grants name each of them, those
 * are looked up, in the order of their ids; else, and where a name is looked for, what MLflow has is looked through by name.
 */
export function reachOf(parts: ReachParts, subject: SignedIn, asked: ReachAsked): Promise<ReachPage> {
  const named = parts.deciding.readable(subject, asked.kind);
  const { place } = asked;
  if (named?.length === 0) {
    return Promise.resolve({ found: [], next: undefined });
  }
  return named !== undefined && asked.contains === '' && place?.by !== 'name'
    ? byId(parts, subject, asked, named)
    : byName(parts, subject, asked, place?.by === 'name' ? place : undefined);
}

async function byId(
  parts: ReachParts,
  subject: SignedIn,
  { kind, max, place }: ReachAsked,
  named: readonly string[],
): Promise<ReachPage> {
  const ids = named.toSorted(byNumberOrName);
  const after = place?.by === 'id' ? place.after : undefined;
  const left = after === undefined ? ids : ids.filter((id) => byNumberOrName(id, after) > 0);
  const found: Reached[] = [];
  for (let start = 0; start < left.length; start += LOOKED_AT_ONCE) {
    const few = left.slice(start, start + LOOKED_AT_ONCE);
    const things = await Promise.all(few.map((id) => parts.lookAt(kind, id)));
    for (const [at, thing] of things.entries()) {
      const reached = typeof thing === 'object' ? reachedBy(parts, subject, kind, thing) : undefined;
      found.push(...(reached === undefined ? [] : [reached]));
      if (found.length === max) {
        const isLast = start + at + 1 >= left.length;
        return { found, next: isLast ? undefined : { by: 'id', after: few[at] ?? '' } };
      }
    }
  }
  return { found, next: undefined };
}

async function byName(
  parts: ReachParts,
  subject: SignedIn,
  { kind, contains, max }: ReachAsked,
  place: Extract<ReachPlace, { by: 'name' }> | undefined,
): Promise<ReachPage> {
  const found: Reached[] = [];
  let token = place?.token;
  let skip = place?.skip ?? 0;
  for (let pages = 1; ; pages += 1) {
    const { things, next } = await parts.listThings(kind, { contains, token });
    for (const [at, thing] of things.entries()) {
      const reached = at < skip ? undefined : reachedBy(parts, subject, kind, thing);
      found.push(...(reached === undefined ? [] : [reached]));
      if (found.length === max) {
        const isLast = at + 1 === things.length && next === undefined;
        return { found, next: isLast ? undefined : { by: 'name', token, skip: at + 1 } };
      }
    }
    if (next === undefined || pages === MOST_PAGES) {
      return { found, next: next === undefined ? undefined : { by: 'name', token: next, skip: 0 } };
    }
    token = next;
    skip = 0;
  }
}

function reachedBy(
  { deciding, defaultPermission }: ReachParts,
  subject: SignedIn,
  kind: ListedKind,
  thing: SeenThing,
): Reached | undefined {
  const { id, isPrompt } = thing;
  const root: Root = { kind, id, ...(isPrompt !== undefined && { isPrompt }) };
  const explained = explain(
    ACTIONS.map((action) => deciding.onRoot(subject, action, root)),
    defaultPermission,
  );
  return explained.actions.length === 0 ? undefined : { thing, explained };
}

/** Ids of experiments are numbers, mostly. */
function byNumberOrName(one: string, other: string): number {
  const [a, b] = [Number(one), Number(other)];
  if (Number.isFinite(a) && Number.isFinite(b) && a !== b) {
    return a - b;
  }
  return one < other ? -1 : one > other ? 1 : 0;
}
