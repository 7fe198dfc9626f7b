import { unavailable } from '../../errors.ts';
import type { Root } from '../../policy/resources.ts';
import { recentlyUsed } from '../../recently-used.ts';
import { text } from '../read/json.ts';
import { propertyAt } from '../read/property-at.ts';
import type { ChildKind } from '../table/row.ts';
import type { JsonObject } from '../upstream/answer-json.ts';
import { ask as askUpstream } from '../upstream/ask.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { type AskedKind, existenceTarget, readExistence } from './existence.ts';
import { hasPromptTag, joinId } from './identifiers.ts';
import {
  type Belonging,
  CHILD_LOOK_UPS,
  type ChildLookUp,
  TRACKED_LOOK_UPS,
  type Way,
  wayFor,
} from './look-ups.ts';
import { createRunBatch } from './run-batch.ts';
import { isId, thingIn } from './thing-in.ts';
import { createUnmoved, forgetAllIn, type Unmoved } from './unmoved.ts';

/** Finds the roots that children belong to. */
export interface Lineage {
  /**
   * The roots of a child, all of which must allow what is asked; undefined if the upstream has no such thing.
   *
   * @param row - the child as MLflow has just listed it. Where that says when it was last moved, nothing else is asked
   *   for what has not been moved since it was asked about.
   * @throws ApiError 503 or 504 if the upstream gives no clear answer: silence never grants.
   */
  rootsOf(
    kind: ChildKind,
    id: string,
    row?: JsonObject,
  ): Promise<readonly Root[] | undefined> | readonly Root[];
  /** Remembers what a reply passing by has told. */
  learn(kind: ChildKind, id: string, experimentId: string): void;
  /**
   * Whether something is there and in an experiment, deleted or not, as of a second ago: what is remembered for ever may
   * be gone, and its files may lie there still.
   *
   * @throws ApiError 503 or 504 if the upstream gives no clear answer.
   */
  isStillIn(experimentId: string, kind: ChildKind, id: string): Promise<boolean>;
  /** Forgets what was in an experiment that is gone. */
  forget(experimentId: string): void;
  /** Whether a name of the model registry is a prompt's; a name that is nobody's is not. Never remembered. */
  isPrompt(name: string): Promise<boolean>;
  /** Whether a name that users choose is nobody's: MLflow says so itself. Never remembered. */
  isFree(kind: AskedKind, name: string): Promise<boolean>;
  /** Where a run or logged model keeps its artifacts, for judging an address; undefined if there is none. */
  artifactRootOf(kind: 'run' | 'logged_model', id: string): Promise<string | undefined>;
}

const REMEMBERED = 200_000;
/** For how long it counts that something was there, for those who fetch all its files. */
const STILL_MS = 1_000;
const STILL_AT_ONCE = 1_000;

export interface LineageOptions {
  /**
   * When an experiment was made, in milliseconds since the epoch by the upstream's clock; undefined if that is not known.
   * What is older is left over from another that had its id, and belongs to nobody.
   */
  readonly madeAt?: (experimentId: string) => number | undefined;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
  /** Told of each look-up, and whether the upstream has to be asked. */
  readonly lookedUp?: ((kind: ChildKind, foundIn: 'memory' | 'upstream') => void) | undefined;
}

/** Creates the look-ups; what cannot change is remembered, what is not there never is. */
export function createLineage(
  upstream: Upstream,
  { lookedUp, madeAt = () => undefined, clock = Date.now }: LineageOptions = {},
): Lineage {
  const remembered = recentlyUsed<readonly Root[]>(REMEMBERED);
  const asking = new Map<string, Promise<readonly Root[] | undefined>>();
  const experimentOfRun = createRunBatch(upstream);
  const isStillIn = createStill(ask, clock);
  const unmoved = createUnmoved(clock);

  function rootsOf(kind: ChildKind, id: string, row?: JsonObject) {
    const key = `${kind} ${id}`;
    const movedAt = movedAtIn(kind, row);
    const known = remembered.get(key) ?? ownOf(unmoved.get(key, movedAt), madeAt, movedAt);
    lookedUp?.(kind, known === undefined ? 'upstream' : 'memory');
    if (known !== undefined) {
      return known;
    }
    // What may move is asked for afresh: an answer on its way may be older than the question.
    if (!lookUpOf(kind).belongs.immutable) {
      return movedAt === undefined
        ? ask(kind, id)
        : askUnmoved({ upstream, madeAt, unmoved }, kind, id, movedAt);
    }
    const running = asking.get(key);
    if (running !== undefined) {
      return running;
    }
    const answer = ask(kind, id).finally(() => asking.delete(key));
    asking.set(key, answer);
    return answer;
  }

  async function ask(kind: ChildKind, id: string): Promise<readonly Root[] | undefined> {
    const roots =
      kind === 'run' ? rootsOfRun(await experimentOfRun(id)) : await askFor(upstream, madeAt, kind, id);
    if (roots !== undefined && lookUpOf(kind).belongs.immutable) {
      remembered.set(`${kind} ${id}`, roots);
    }
    return roots;
  }

  function learn(kind: ChildKind, id: string, experimentId: string) {
    if (lookUpOf(kind).belongs.immutable && isId(experimentId)) {
      remembered.set(`${kind} ${id}`, [experiment(experimentId)]);
    }
  }

  return {
    rootsOf,
    learn,
    isStillIn,
    forget(experimentId) {
      forgetAllIn(experimentId, remembered, (roots) => roots);
      unmoved.forget(experimentId);
    },
    async isPrompt(name) {
      const [way] = TRACKED_LOOK_UPS.registered_model.byName;
      return hasPromptTag(thingIn(await askUpstream(upstream, way.target(name)), way, name));
    },
    async isFree(kind, name) {
      const answer = await upstream.exchange({
        method: 'GET',
        target: existenceTarget(kind, 'byName', name),
      });
      return readExistence(kind, 'byName', name, answer) === 'missing';
    },
    async artifactRootOf(kind, id) {
      const [way] = CHILD_LOOK_UPS[kind].ways;
      const uri = propertyAt(thingIn(await askUpstream(upstream, way.target(id)), way, id), 'artifact_uri');
      return typeof uri === 'string' ? uri : undefined;
    },
  };
}

/** Asks again for what may have gone, but once for many who ask within a moment. */
function createStill(
  ask: (kind: ChildKind, id: string) => Promise<readonly Root[] | undefined>,
  clock: () => number,
): Lineage['isStillIn'] {
  const answers = recentlyUsed<{ askedAt: number; roots: ReturnType<typeof ask> }>(STILL_AT_ONCE);
  return async (experimentId, kind, id) => {
    const key = `${kind} ${id}`;
    const now = clock();
    const lately = answers.get(key);
    const isFresh = lately !== undefined && now >= lately.askedAt && now - lately.askedAt <= STILL_MS;
    const roots = isFresh ? lately.roots : ask(kind, id);
    if (!isFresh) {
      answers.set(key, { askedAt: now, roots });
    }
    return (await roots)?.some((root) => root.id === experimentId) ?? false;
  };
}

/**
 * Asks for a thing, and reads from it what it belongs to; undefined if there is no such thing. It does not belong to
 * experiments that were made after it came into those of their ids.
 */
async function askFor(
  upstream: Upstream,
  madeAt: NonNullable<LineageOptions['madeAt']>,
  kind: ChildKind,
  id: string,
): Promise<readonly Root[] | undefined> {
  const { ways, itself, belongs } = lookUpOf(kind);
  const [thing, shown] = await Promise.all([
    askBy(upstream, ways, id),
    itself && askBy(upstream, [itself], id),
  ]);
  return ownOf(rootsIn(thing, kind, belongs), madeAt, momentAt(shown ?? thing, belongs.since));
}

const rootsOfRun = (experimentId: string | undefined): readonly Root[] | undefined =>
  experimentId === undefined ? undefined : [experiment(experimentId)];

/** The row was read before: what is found is of that moment or later, and a later move is in another row. */
async function askUnmoved(
  {
    upstream,
    madeAt,
    unmoved,
  }: Required<Pick<LineageOptions, 'madeAt'>> & { upstream: Upstream; unmoved: Unmoved },
  kind: ChildKind,
  id: string,
  movedAt: number,
): Promise<readonly Root[] | undefined> {
  const { ways, belongs } = lookUpOf(kind);
  const roots = rootsIn(await askBy(upstream, ways, id), kind, belongs);
  unmoved.set(`${kind} ${id}`, movedAt, roots);
  return ownOf(roots, madeAt, movedAt);
}

/** What a thing says that it belongs to; undefined if there is no such thing, or it belongs to nothing. */
function rootsIn(thing: unknown, kind: ChildKind, belongs: Belonging): readonly Root[] | undefined {
  if (thing === undefined) {
    return undefined;
  }
  const ids = idsIn(thing, belongs);
  if (ids.length === 0 || !ids.every(isId)) {
    if (belongs.loose || ids.length === 0) {
      return undefined;
    }
    throw unavailable(`The MLflow server did not say which experiment the ${kind} belongs to.`);
  }
  return ids.map((id): Root => ({ kind: belongs.kind ?? 'experiment', id }));
}

/** Without what was made after the thing came into those of their ids. */
function ownOf(
  roots: readonly Root[] | undefined,
  madeAt: NonNullable<LineageOptions['madeAt']>,
  since: number | undefined,
): readonly Root[] | undefined {
  return since === undefined ? roots : roots?.filter(({ id }) => (madeAt(id) ?? 0) <= since);
}

/** When the thing in a row was last moved; undefined for what never moves, or does not say when. */
function movedAtIn(kind: ChildKind, row: JsonObject | undefined): number | undefined {
  const { immutable, since } = lookUpOf(kind).belongs;
  return immutable || row === undefined ? undefined : momentAt(row, since);
}

/** When a thing came into what it belongs to, if it says that. JSON has 64-bit integers as text where it is protobuf's. */
function momentAt(thing: unknown, path: string | undefined): number | undefined {
  const value = path === undefined ? undefined : propertyAt(thing, path);
  return typeof value === 'number' || text(value) !== undefined ? Number(value) : undefined;
}

/**
 * Asks for a thing in the way of the upstream's version, or in all at once where that is not known: as often for what
 * is there as for what is not.
 */
async function askBy(upstream: Upstream, ways: readonly Way[], id: string): Promise<unknown> {
  const way = ways.length === 1 ? ways[0] : wayFor(ways, await upstream.version());
  const taken = way === undefined ? ways : [way];
  const found = await Promise.all(
    taken.map(async ({ target, noneAt, ...where }) =>
      thingIn(await askUpstream(upstream, target(id), noneAt), where, id),
    ),
  );
  return found.find((thing) => thing !== undefined);
}

const lookUpOf = (kind: ChildKind): ChildLookUp => CHILD_LOOK_UPS[kind];

/** What stands where a thing says what it belongs to, whether or not it is ids. */
function idsIn(thing: unknown, { at, list, number }: Belonging): readonly unknown[] {
  const [first = '', second] = at.split('/');
  const value = asText(propertyAt(thing, first), number);
  if (second !== undefined) {
    const name = propertyAt(thing, second);
    return [isId(value) && isId(name) ? joinId(value, name) : undefined];
  }
  if (Array.isArray(value)) {
    return value;
  }
  return list && value === undefined ? [] : [value];
}

const asText = (value: unknown, number = false): unknown =>
  number && Number.isSafeInteger(value) ? String(value) : value;

const experiment = (id: string): Root => ({ kind: 'experiment', id });
