import type { FastifyBaseLogger } from 'fastify';
import {
  type AskedKind,
  type Existence,
  existenceTarget,
  isKeyedByName,
  readExistence,
} from '../../mlflow/things/existence.ts';
import type { Answer, Upstream } from '../../mlflow/upstream/upstream.ts';
import type { Store } from '../../store/index.ts';
import { typesSharingNamesWith } from '../../store/namespaces.ts';
import type { Intent, OpenIntent } from '../../store/types.ts';
import type { InFlight } from './in-flight.ts';
import { type Found, type Outcome, outcomeOf, type Pending } from './outcome.ts';
import { aboutTheSame, askedKindOf, keyOf, type Place, placesOf } from './places.ts';

/** What is not done this long after it was last waited for will not be done. */
const GIVE_UP_MS = 15 * 60_000;

/** What is known of one of the intents besides what stands in the store. */
export type Known = Pick<Pending, 'id' | 'state' | 'made'>;

/** What came of trying to settle the intents about the same names. */
export interface Settled {
  /** What has each of the names now; undefined if the upstream did not say. */
  readonly at: ((name: string) => Found) | undefined;
  /** The intents that stay open, those that are `done` included. */
  readonly open: readonly Pending[];
  /** Those of them that wait for the answer to others, or of the upstream; the rest wait to happen at all. */
  readonly heldUp: ReadonlySet<number>;
}

/** Finds out what has become of intents whose answer did not come, and does what follows. */
export interface Settler {
  /** Settles every open intent that nobody waits for; answers how many are left. */
  all(): Promise<number>;
  /**
   * Settles the intents about the same names as one of them, all but those that a user waits for and those that are
   * known to be `done`.
   *
   * @throws ApiError 503 if the store or the upstream gives no answer.
   */
  aboutTheSame(intent: Intent, known?: Known): Promise<Settled>;
  /** What has a place now; `unclear` if the upstream does not say. */
  find(place: Place): Promise<Existence>;
  /** The same with the answer of the upstream that told it. */
  lookFor(place: Place): Promise<{ readonly existence: Existence; readonly answer: Answer }>;
}

export interface SettlerOptions {
  readonly store: Store;
  readonly upstream: Pick<Upstream, 'exchange'>;
  readonly inFlight: InFlight;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly log: FastifyBaseLogger;
}

export function createSettler({ store, upstream, inFlight, clock, log }: SettlerOptions): Settler {
  async function lookFor({ kind, by, text }: Place) {
    const answer = await upstream.exchange({ method: 'GET', target: existenceTarget(kind, by, text) });
    return { answer, existence: readExistence(kind, by, text, answer) };
  }

  async function find(place: Place): Promise<Existence> {
    return (await lookFor(place)).existence;
  }

  function stateOf(intent: OpenIntent): Pending['state'] {
    if (intent.isHeld || inFlight.has(intent.id)) {
      return 'awaited';
    }
    return clock() - Math.max(intent.createdAt, intent.heldUntil) > GIVE_UP_MS ? 'over' : 'unheard';
  }

  /**
   * Looks at every place that intents are about, a thing's old name before its new one: a rename that is carried out
   * meanwhile is then seen at one of them, or at both. Undefined if one cannot be seen.
   */
  async function look(intents: readonly Intent[]): Promise<ReadonlyMap<string, Found> | undefined> {
    const places = new Map(intents.flatMap(placesOf).map((place) => [keyOf(place), place]));
    const found = new Map<string, Found>();
    for (const place of places.values()) {
      const existence = await find(place);
      if (existence === 'unclear') {
        return undefined;
      }
      found.set(place.text, existence);
    }
    return found;
  }

  /** When each grant on what an intent is about was made: as a model and as a prompt, which share their names. */
  async function grantedAt(kind: AskedKind, name: string, found: Found): Promise<readonly number[]> {
    if (found === 'missing' && !isKeyedByName(kind)) {
      return [];
    }
    const id = found === 'missing' ? name : found.id;
    const types = typesSharingNamesWith(kind);
    const grants = await Promise.all(types.map((type) => store.grants.forResource(type, id)));
    return grants.flat().map(({ createdAt }) => createdAt);
  }

  async function settle(group: readonly OpenIntent[], known?: Known): Promise<Settled> {
    const [first] = group;
    if (first === undefined) {
      return { at: () => 'missing', open: [], heldUp: new Set() };
    }
    // What another process grants after this moment is on something newer than what is found.
    const asked = (await store.now()) - 1;
    const found = await look(group);
    const at = found && ((name: string): Found => found.get(name) ?? 'missing');
    const intents = aboutTheSame(first, await store.intents.list());
    const open = intents.map(
      (intent): Pending => ({ ...intent, state: stateOf(intent), ...(intent.id === known?.id && known) }),
    );
    // What was opened while the upstream was asked may be why something was not found.
    if (at === undefined || open.some(({ id }) => group.every((each) => each.id !== id))) {
      return { at, open, heldUp: new Set(open.map(({ id }) => id)) };
    }
    return settleInOrder(open, at, asked);
  }

  /** Oldest first, each knowing what has become of the others; again for those that wait for others. */
  async function settleInOrder(
    pending: readonly Pending[],
    at: (name: string) => Found,
    asked: number,
  ): Promise<Settled> {
    let open = pending;
    const heldUp = new Set<number>();
    for (const intent of pending) {
      const kind = askedKindOf(intent);
      if (kind === undefined || intent.state === 'done' || !open.includes(intent)) {
        continue;
      }
      const outcome: Outcome =
        intent.state === 'awaited'
          ? { outcome: 'wait', for: 'answer' }
          : outcomeOf(intent, { open, at, grantedAt: await grantedAt(kind, intent.name, at(intent.name)) });
      if (outcome.outcome !== 'wait') {
        const ended = await execute(outcome, intent, kind, asked);
        open = open.filter(({ id }) => !ended.includes(id));
        log.info(
          { intent: intent.id, action: intent.action, kind, outcome: outcome.outcome },
          'settled an open intent',
        );
      } else if (outcome.for !== 'event') {
        heldUp.add(intent.id);
      }
    }
    const isAnySettled = open.length < pending.length;
    return heldUp.size > 0 && isAnySettled ? settleInOrder(open, at, asked) : { at, open, heldUp };
  }

  /** Does what follows, in one transaction; answers which intents have ended with it. */
  async function execute(
    outcome: Exclude<Outcome, { outcome: 'wait' }>,
    intent: Intent,
    kind: AskedKind,
    asked: number,
  ): Promise<readonly number[]> {
    const { id: intentId, userId, createdAt: since, name } = intent;
    switch (outcome.outcome) {
      case 'adopt': {
        const dated = outcome.since === undefined ? {} : { since: outcome.since };
        await store.grants.adopt({ kind, id: outcome.id, userId, intentId, ...dated });
        return [intentId];
      }
      case 'move':
        if (intent.action === 'rename') {
          const { newName: to } = intent;
          await store.grants.rename({ kind, from: name, to, since, proven: true, intentId });
        }
        return [intentId];
      case 'forget':
        await store.grants.forget({ kind, id: name, before: outcome.before ?? asked, intentId });
        return [intentId];
      case 'close':
        await store.intents.close(...outcome.ids);
        return outcome.ids;
    }
  }

  /** Of an older or newer gateway in the same store: nothing is granted on what cannot be asked for. */
  async function giveUp(intent: OpenIntent): Promise<number> {
    if (stateOf(intent) !== 'over') {
      return 1;
    }
    await store.intents.close(intent.id);
    return 0;
  }

  async function trySettling(group: readonly OpenIntent[]): Promise<number> {
    const others = group.filter(({ id }) => !inFlight.has(id));
    if (others.every(({ isHeld }) => isHeld)) {
      return others.length;
    }
    try {
      const { open } = await settle(group);
      return open.filter(({ id }) => !inFlight.has(id)).length;
    } catch (error) {
      log.warn({ err: error, intents: others.map(({ id }) => id) }, 'open intents could not be settled yet');
      return others.length;
    }
  }

  return {
    find,
    lookFor,

    async all() {
      const intents = await store.intents.list();
      const tried = new Set<OpenIntent>();
      let left = 0;
      for (const intent of intents) {
        if (tried.has(intent)) {
          continue;
        }
        const group = aboutTheSame(intent, intents);
        for (const each of group) {
          tried.add(each);
        }
        left += group.length === 0 ? await giveUp(intent) : await trySettling(group);
      }
      return left;
    },

    async aboutTheSame(intent, known) {
      return settle(aboutTheSame(intent, await store.intents.list()), known);
    },
  };
}
