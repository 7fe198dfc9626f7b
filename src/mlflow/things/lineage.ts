import { LRUCache } from 'lru-cache';
import { unavailable } from '../../errors.ts';
import type { Root } from '../../policy/resources.ts';
import { propertyAt } from '../read/property-at.ts';
import type { ChildKind } from '../table/row.ts';
import { readAnswer } from '../upstream/answer-json.ts';
import { ask as askUpstream } from '../upstream/ask.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { type AskedKind, existenceTarget, readExistence } from './existence.ts';
import { hasPromptTag, isCanonical, joinId } from './identifiers.ts';
import {
  type Belonging,
  CHILD_LOOK_UPS,
  type ChildLookUp,
  TRACKED_LOOK_UPS,
  type Way,
  wayFor,
} from './look-ups.ts';

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

/** Run ids asked for in one GraphQL request: MLflow 3 allows ten aliases. */
const BATCH = 10;
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
    if (kind === 'run') {
      const experimentId = await experimentOfRun(id);
      if (experimentId !== undefined) {
        learn('run', id, experimentId);
      }
      return experimentId === undefined ? undefined : [experiment(experimentId)];
    }
    const { ways, belongs } = lookUpOf(kind);
    const thing = await askBy(ways, id);
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
    const roots = ids.map((each): Root => ({ kind: belongs.kind ?? 'experiment', id: each }));
    if (belongs.immutable) {
      remembered.set(`${kind} ${id}`, roots);
    }
    return roots;
  }

  /**
   * Asks for a thing in the way of the upstream's version, or in all at once where that is not known: as often for what
   * is there as for what is not.
   */
  async function askBy(ways: readonly Way[], id: string): Promise<unknown> {
    const way = ways.length === 1 ? ways[0] : wayFor(ways, await upstream.version());
    const taken = way === undefined ? ways : [way];
    const found = await Promise.all(
      taken.map(async ({ target, noneAt, ...where }) =>
        thingIn(await askUpstream(upstream, target(id), noneAt), where, id),
      ),
    );
    return found.find((thing) => thing !== undefined);
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

const lookUpOf = (kind: ChildKind): ChildLookUp => CHILD_LOOK_UPS[kind];

/** The thing that a reply is about, or the one of a list in it. */
function thingIn(reply: unknown, { at, where }: Pick<Way, 'at' | 'where'>, id: string): unknown {
  const found = at === undefined ? reply : propertyAt(reply, at);
  if (where === undefined) {
    // A reply without the thing is no word that there is none.
    return found ?? (reply === undefined ? undefined : {});
  }
  return Array.isArray(found) ? found.find((row) => propertyAt(row, where) === id) : undefined;
}

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

/** Text that names something: a caller who may read all experiments may not read what is in none. */
const isId = (value: unknown): value is string => typeof value === 'string' && value !== '';

/**
 * Asks for the experiments of runs, all that are asked for at once in one request: 68 bytes a run by
 * GraphQL, where `runs/get` brings every param and metric (147 kB for a long run).
 */
function createRunBatch(upstream: Upstream): (id: string) => Promise<string | undefined> {
  type Waiting = {
    id: string;
    resolve: (experimentId: string | undefined) => void;
    reject: (error: unknown) => void;
  };
  let waiting: Waiting[] = [];

  // The id becomes part of a query: whatever is not an id as MLflow makes them is asked for in the other way.
  return (id) => (isCanonical('run', id) ? enqueue(id) : byRest(id));

  function enqueue(id: string): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      waiting.push({ id, resolve, reject });
      if (waiting.length === 1) {
        setImmediate(flush);
      }
    });
  }

  function flush() {
    const all = waiting;
    waiting = [];
    for (let start = 0; start < all.length; start += BATCH) {
      void send(all.slice(start, start + BATCH));
    }
  }

  async function send(batch: readonly Waiting[]) {
    try {
      const found = await ask(batch.map(({ id }) => id));
      batch.forEach(({ resolve }, index) => {
        resolve(found[index]);
      });
    } catch (error) {
      for (const { reject } of batch) {
        reject(error);
      }
    }
  }

  async function ask(ids: readonly string[]): Promise<readonly (string | undefined)[]> {
    const fields = ids.map(
      (id, index) => `r${index}:mlflowGetRun(input:{runId:"${id}"}){run{info{runId experimentId}}}`,
    );
    const answer = await upstream.exchange({
      method: 'POST',
      target: '/graphql',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: `{${fields.join(' ')}}` }),
    });
    if (answer.status !== 200) {
      return Promise.all(ids.map(byRest));
    }
    const { data } = readAnswer(answer);
    return Promise.all(
      ids.map((id, index) => {
        const info = ['run', 'info'].reduce<unknown>(propertyAt, propertyAt(data, `r${index}`));
        const experimentId = propertyAt(info, 'experimentId');
        // Anything but a plain answer, "not there" included, is asked again in the other way.
        return propertyAt(info, 'runId') === id && isId(experimentId) ? experimentId : byRest(id);
      }),
    );
  }

  async function byRest(id: string): Promise<string | undefined> {
    const [way] = CHILD_LOOK_UPS.run.ways;
    const found = propertyAt(thingIn(await askUpstream(upstream, way.target(id)), way, id), 'experiment_id');
    return isId(found) ? found : undefined;
  }
}
