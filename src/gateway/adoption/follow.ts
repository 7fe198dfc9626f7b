import { setTimeout } from 'node:timers/promises';
import { unavailable } from '../../errors.ts';
import type { Store } from '../../store/index.ts';
import type { Intent, OpenIntent } from '../../store/types.ts';
import { bearsOn, isAtItsNewName, madeAt, type Pending } from './outcome.ts';
import { aboutTheSame, askedKindOf, placeOf } from './places.ts';
import type { Settler } from './settle.ts';

/** How long an answer is kept back until earlier changes of the same name are settled. */
const LONGEST_WAIT_MS = 5_000;
const SHORTEST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 500;

export interface FollowOptions {
  readonly store: Store;
  readonly settler: Settler;
}

/**
 * Does what follows from the answer to an intent that was carried out, after what bears on it: another open intent about
 * the same name may be why grants are not yet where they belong.
 *
 * @param id - what grants on it are keyed by from now on.
 * @param made - when what was created came into being, in milliseconds since the epoch, if the answer tells it.
 * @throws ApiError 503 if that takes too long; the intent stays open then.
 */
export type Follow = (intent: Intent, id: string, made?: number) => Promise<void>;

export function createFollow({ store, settler }: FollowOptions): Follow {
  const { grants, intents } = store;

  /** False, with nothing done, if that takes a look at what has the name now. */
  async function follow(intent: Intent, id: string, made?: number): Promise<boolean> {
    const { kind, id: intentId, createdAt: since } = intent;
    switch (intent.action) {
      case 'create':
        await adopt(intent, id, made);
        return true;
      case 'rename':
        return grants.rename({ kind, from: intent.name, to: id, since, intentId });
      case 'delete':
        if (await grants.forget({ kind, id: intent.name, before: since, intentId })) {
          await forgetTheRest(intent);
        }
        return true;
    }
  }

  /** The grant counts as made when the thing was: before any intent that has found it there. */
  function adopt(intent: Intent, id: string, thing?: number, taker?: Intent): Promise<void> {
    const { kind, id: intentId, userId } = intent;
    const since = thing === undefined ? {} : { since: madeAt(intent, thing, taker) };
    return grants.adopt({ kind, id, userId, intentId, ...since });
  }

  /** What was granted while a delete was under way was on something else, unless nothing is there. */
  async function forgetTheRest(intent: Intent): Promise<void> {
    const kind = askedKindOf(intent);
    const before = (await store.now()) - 1;
    if (kind !== undefined && (await settler.find(placeOf(intent, kind))) === 'missing') {
      await grants.forget({ kind: intent.kind, id: intent.name, before });
    }
  }

  async function followKnowing(intent: Pending, id: string, scene: Scene): Promise<void> {
    switch (intent.action) {
      case 'create':
        return followCreate(intent, id, scene);
      case 'rename':
        return followRename(intent, id, scene);
      case 'delete':
        await follow(intent, id);
    }
  }

  async function followCreate(intent: Pending, id: string, scene: Scene): Promise<void> {
    const { name, made, seen } = intent;
    const here = scene.at(name);
    const thing = made ?? (here === 'missing' || here.createdAt === seen ? undefined : here.createdAt);
    // A caller who is about to take it away, or has, takes the grant along.
    const taker = scene.open.find((later) => isAbout(later, name, thing));
    const isHere = here !== 'missing' && here.createdAt === thing;
    if (!isHere && taker === undefined) {
      // Another request has brought something else there since.
      return intents.close(intent.id);
    }
    if (isHere) {
      await noteSeen(name, intent, scene);
    }
    await adopt(intent, id, thing, taker);
  }

  async function followRename(
    intent: Pending & { readonly action: 'rename' },
    to: string,
    scene: Scene,
  ): Promise<void> {
    const { kind, id: intentId, createdAt: since, name: from, newName } = intent;
    if (isAtItsNewName(intent, scene)) {
      await noteSeen(newName, intent, scene);
      await grants.rename({ kind, from, to, since, proven: true, intentId });
    } else {
      await grants.forget({ kind, id: from, before: since, intentId });
    }
  }

  /** What a request has brought to a name is not the doing of others that do not know yet whether it is theirs. */
  async function noteSeen(name: string, by: Pending, { at, open }: Scene): Promise<void> {
    const brought = at(name);
    const rivals = open.filter((each) => each.id !== by.id && each.action === 'create' && each.name === name);
    if (brought !== 'missing' && rivals.length > 0) {
      await intents.noteSeen(
        rivals.map(({ id }) => id),
        brought.createdAt,
      );
    }
  }

  async function followInOrder(
    intent: Intent,
    id: string,
    made: number | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    for (let pauseMs = SHORTEST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const { at, open, heldUp } = await settler.aboutTheSame(intent, { id: intent.id, state: 'done', made });
      const own = open.find((each) => each.id === intent.id);
      if (own === undefined) {
        // Another gateway has settled it.
        return;
      }
      const mustWait = open.some((other) => heldUp.has(other.id) && bearsOn(other, own));
      if (at !== undefined && !mustWait) {
        return followKnowing(own, id, { at, open });
      }
      await setTimeout(pauseMs, undefined, { signal });
    }
  }

  /** The same, but for no longer than a caller can be kept waiting. */
  async function followInTime(intent: Intent, id: string, made: number | undefined): Promise<void> {
    const ended = new AbortController();
    const { signal } = ended;
    const tooLate = setTimeout(LONGEST_WAIT_MS, undefined, { signal }).then(() => {
      throw unavailable(
        'MLflow has done this, but an earlier change of the same name is not settled yet. It will be, and this with it: look again in a moment, rather than repeat it.',
      );
    });
    try {
      await Promise.race([followInOrder(intent, id, made, signal), tooLate]);
    } finally {
      ended.abort();
    }
  }

  return async (intent, id, made) => {
    const about = aboutTheSame<OpenIntent>(intent, await intents.list());
    const row = about.find((each) => each.id === intent.id);
    const isAlone = about.length === 1 && row?.seen === intent.seen;
    if (!isAlone || !(await follow(intent, id, made))) {
      await followInTime(intent, id, made);
    }
  };
}

/** Whether an intent is about to rename or delete a thing that it found under a name. */
const isAbout = ({ action, name, seen }: Pending, at: string, thing: number | undefined): boolean =>
  action !== 'create' && name === at && seen === thing && thing !== undefined;

type Scene = Parameters<typeof isAtItsNewName>[1];
