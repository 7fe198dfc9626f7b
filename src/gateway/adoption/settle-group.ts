import type { FastifyBaseLogger } from 'fastify';
import { type AskedKind, isKeyedByName } from '../../mlflow/things/existence.ts';
import type { Store } from '../../store/index.ts';
import { typesSharingNamesWith } from '../../store/namespaces.ts';
import type { Intent, OpenIntent } from '../../store/types.ts';
import type { Finder } from './find.ts';
import { type Found, type Outcome, outcomeOf, type Pending } from './outcome.ts';
import { aboutTheSame, askedKindOf } from './places.ts';

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

export interface SettleGroupOptions {
  readonly store: Store;
  readonly finder: Finder;
  readonly stateOf: (intent: OpenIntent) => Pending['state'];
  readonly log: FastifyBaseLogger;
}

/**
 * Finds out what has become of the open intents about the same names, and does what follows.
 *
 * @throws ApiError 503 if the store or the upstream gives no answer.
 */
export type SettleGroup = (group: readonly OpenIntent[], known?: Known) => Promise<Settled>;

export function createSettleGroup({ store, finder, stateOf, log }: SettleGroupOptions): SettleGroup {
  return async (group, known) => {
    const [first] = group;
    if (first === undefined) {
      return { at: () => 'missing', open: [], heldUp: new Set() };
    }
    // What another process grants after this moment is on something newer than what is found.
    const asked = (await store.now()) - 1;
    const at = await finder.findAll(group);
    const intents = aboutTheSame(first, await store.intents.list());
    const open = intents.map(
      (intent): Pending => ({ ...intent, state: stateOf(intent), ...(intent.id === known?.id && known) }),
    );
    // What was opened while the upstream was asked may be why something was not found.
    if (at === undefined || open.some(({ id }) => group.every((each) => each.id !== id))) {
      return { at, open, heldUp: new Set(open.map(({ id }) => id)) };
    }
    return settleInOrder(open, at, asked);
  };

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
          : outcomeOf(intent, {
              open,
              at,
              grantedAt: await grantedAt(store, kind, intent.name, at(intent.name)),
            });
      if (outcome.outcome !== 'wait') {
        const ended = await execute(store, outcome, intent, kind, asked);
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
}

/** When each grant on what an intent is about was made: as a model and as a prompt, which share their names. */
async function grantedAt(
  { grants }: Store,
  kind: AskedKind,
  name: string,
  found: Found,
): Promise<readonly number[]> {
  if (found === 'missing' && !isKeyedByName(kind)) {
    return [];
  }
  const id = found === 'missing' ? name : found.id;
  const types = typesSharingNamesWith(kind);
  const granted = await Promise.all(types.map((type) => grants.forResource(type, id)));
  return granted.flat().map(({ createdAt }) => createdAt);
}

/** Does what follows, in one transaction; answers which intents have ended with it. */
async function execute(
  { grants, intents }: Store,
  outcome: Exclude<Outcome, { outcome: 'wait' }>,
  intent: Intent,
  kind: AskedKind,
  asked: number,
): Promise<readonly number[]> {
  const { id: intentId, userId, createdAt: since, name } = intent;
  switch (outcome.outcome) {
    case 'adopt': {
      const dated = outcome.since === undefined ? {} : { since: outcome.since };
      await grants.adopt({ kind, id: outcome.id, userId, intentId, ...dated });
      return [intentId];
    }
    case 'move':
      if (intent.action === 'rename') {
        const { newName: to } = intent;
        await grants.rename({ kind, from: name, to, since, proven: true, intentId });
      }
      return [intentId];
    case 'forget':
      await grants.forget({ kind, id: name, before: outcome.before ?? asked, intentId });
      return [intentId];
    case 'close':
      await intents.close(...outcome.ids);
      return outcome.ids;
  }
}
