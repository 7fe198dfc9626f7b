import { LRUCache } from 'lru-cache';
import { unavailable } from '../../errors.ts';
import type { Root } from '../../policy/resources.ts';
import { propertyAt } from '../read/property-at.ts';
import type { ChildKind } from '../table/row.ts';
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

/** Finds the roots that children belong to. */
export interface Lineage {
  /**
   * The roots of a child, all of which must allow what is asked; undefined if the upstream has no such thing.
   *
   * @throws ApiError 503 or 504 if the upstream gives no clear answer: silence never grants.
   */
  rootsOf(kind: ChildKind, id: string): Promise<readonly Root[] | undefined> | readonly Root[];
  /** Remembers what a reply passing by has told. */
  learn(kind: ChildKind, id: string, experimentId: string): void;
  /** Whether a name of the model registry is a prompt's; a name that is nobody's is not. Never remembered. */
  isPrompt(name: string): Promise<boolean>;
  /** Whether a name that users choose is nobody's: MLflow says so itself. Never remembered. */
  isFree(kind: AskedKind, name: string): Promise<boolean>;
  /** Where a run or logged model keeps its artifacts, for judging an address; undefined if there is none. */
  artifactRootOf(kind: 'run' | 'logged_model', id: string): Promise<string | undefined>;
}

const REMEMBERED = 200_000;

export interface LineageOptions {
  /** Told of each look-up, and whether the upstream has to be asked. */
  readonly lookedUp?: ((kind: ChildKind, foundIn: 'memory' | 'upstream') => void) | undefined;
}

/** Creates the look-ups; what cannot change is remembered, what is not there never is. */
export function createLineage(upstream: Upstream, { lookedUp }: LineageOptions = {}): Lineage {
  const remembered = new LRUCache<string, readonly Root[]>({ max: REMEMBERED });
  const asking = new Map<string, Promise<readonly Root[] | undefined>>();
  const experimentOfRun = createRunBatch(upstream);

  function rootsOf(kind: ChildKind, id: string) {
    const key = `${kind} ${id}`;
    const known = remembered.get(key);
    lookedUp?.(kind, known === undefined ? 'upstream' : 'memory');
    if (known !== undefined) {
      return known;
    }
    // What may move is asked for afresh: an answer on its way may be older than the question.
    if (!lookUpOf(kind).belongs.immutable) {
      return ask(kind, id);
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
    const roots = kind === 'run' ? await askForRun(id) : await askFor(upstream, kind, id);
    if (roots !== undefined && lookUpOf(kind).belongs.immutable) {
      remembered.set(`${kind} ${id}`, roots);
    }
    return roots;
  }

  async function askForRun(id: string): Promise<readonly Root[] | undefined> {
    const experimentId = await experimentOfRun(id);
    return experimentId === undefined ? undefined : [experiment(experimentId)];
  }

  function learn(kind: ChildKind, id: string, experimentId: string) {
    if (lookUpOf(kind).belongs.immutable && isId(experimentId)) {
      remembered.set(`${kind} ${id}`, [experiment(experimentId)]);
    }
  }

  return {
    rootsOf,
    learn,
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

/** Asks for a thing, and reads from it what it belongs to; undefined if there is no such thing. */
async function askFor(upstream: Upstream, kind: ChildKind, id: string): Promise<readonly Root[] | undefined> {
  const { ways, belongs } = lookUpOf(kind);
  const thing = await askBy(upstream, ways, id);
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
  return ids.map((each): Root => ({ kind: belongs.kind ?? 'experiment', id: each }));
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
