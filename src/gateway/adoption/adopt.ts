import type { FastifyBaseLogger } from 'fastify';
import { ApiError, invalid, unavailable } from '../../errors.ts';
import { type Existence, isKeyedByName } from '../../mlflow/things/existence.ts';
import type { Answer, Upstream } from '../../mlflow/upstream/upstream.ts';
import type { Store } from '../../store/index.ts';
import type { Intent, IntentAction, Seen } from '../../store/types.ts';
import { createFinder } from './find.ts';
import { createFollow } from './follow.ts';
import { createInFlight } from './in-flight.ts';
import { aboutTheSame, askedKindOf, type Place, placeOf } from './places.ts';
import { createSettler } from './settle.ts';

/** Keeps grants in step with what is created, renamed and deleted upstream (invariant 6). */
export interface Adoption {
  /** Writes what is about to be forwarded; throws 503 if it cannot be written, so that nothing is forwarded. */
  open(action: IntentAction, userId: number): Promise<Intent>;
  /**
   * The upstream did it: grants follow in one transaction, before the caller is answered.
   *
   * @param id - what grants on it are keyed by from now on.
   * @param made - when what was created came into being, in milliseconds since the epoch, if the upstream said so.
   * @throws ApiError 503 if it cannot be written, or if an earlier change of the same name is not settled in time; it
   * is settled later.
   */
  done(intent: Intent, id: string, made?: number): Promise<void>;
  /** The upstream refused: nothing happened. */
  refused(intent: Intent): Promise<void>;
  /**
   * The upstream failed: what has not happened by now will not, and what another user calls by the name later must
   * not be taken for it. A caller who can make the upstream fail could otherwise reserve a name.
   */
  failed(intent: Intent): Promise<void>;
  /** No clear answer came: the intent stays open and is settled against the upstream. */
  unheard(intent: Intent): Promise<void>;
  /** Settles what was left open by a crash, a lost connection or a time-out. Answers how many are still open. */
  settle(): Promise<number>;
}

/** What is to be renamed or deleted is not there; `answer` holds MLflow's own words for that, where it has said so. */
export class NotThere extends ApiError {
  readonly answer: Answer | undefined;

  constructor(place: Place, answer: Answer | undefined) {
    super('RESOURCE_DOES_NOT_EXIST', `${titleOf(place)} with name=${place.text} not found`);
    this.answer = answer;
  }
}

export function createAdoption(
  store: Store,
  upstream: Pick<Upstream, 'exchange'>,
  clock: () => number,
  log: FastifyBaseLogger,
): Adoption {
  const inFlight = createInFlight(store.intents, log);
  const finder = createFinder(upstream);
  const settler = createSettler({ store, finder, inFlight, clock, log });
  const follow = createFollow({ store, finder, settler });

  /**
   * Looks at what has the name that an intent is about. A thing is known again by it under another name, and what was
   * there before a create is not taken for what the create made. MLflow is not asked where nothing else can come to have
   * the name, nor for a create while no other intent is about it.
   */
  async function look(action: IntentAction): Promise<Looked> {
    const kind = askedKindOf(action);
    if (kind === undefined) {
      return { action, seen: undefined };
    }
    const place = placeOf(action, kind);
    if (action.action === 'create') {
      const others = aboutTheSame(action, await store.intents.list());
      const seen =
        others.length === 0 ? undefined : seenIn(await finder.find(place).catch(() => 'unclear' as const));
      return { action, seen };
    }
    return isKeyedByName(kind) ? lookAgain(action, place) : { action, seen: undefined };
  }

  /** What has the name of something that is to be renamed or deleted, which must be there. */
  async function lookAgain(action: IntentAction, place: Place): Promise<Looked> {
    const { existence: found, answer } = await finder.lookFor(place);
    if (found === 'missing') {
      throw new NotThere(place, answer.status === 404 ? answer : undefined);
    }
    if (found === 'unclear') {
      throw unavailable('The MLflow server did not say what has this name. Nothing was changed; try again.');
    }
    if (action.action === 'rename' && found.id === action.newName) {
      throw invalid(`${titleOf(place)} is called ${JSON.stringify(found.id)} already.`);
    }
    // A database that compares names loosely finds it by another spelling than that of its grants.
    return { action: { ...action, name: found.id }, seen: found.createdAt };
  }

  return {
    async open(action, userId) {
      const looked = await look(action);
      try {
        const intent = await store.intents.open(looked.action, userId, looked.seen);
        inFlight.add(intent.id);
        return intent;
      } catch (cause) {
        throw unavailable('The gateway cannot write to its store. Nothing was changed; try again.', cause);
      }
    },

    async done(intent, id, made) {
      try {
        await follow(intent, id, made);
        inFlight.delete(intent.id);
      } finally {
        await inFlight.release(intent.id);
      }
    },

    async refused(intent) {
      try {
        await store.intents.close(intent.id);
        inFlight.delete(intent.id);
      } finally {
        await inFlight.release(intent.id);
      }
    },

    async failed(intent) {
      await inFlight.release(intent.id);
      await settler.aboutTheSame(intent, { id: intent.id, state: 'over' }).catch((error: unknown) => {
        log.warn({ err: error, intent: intent.id }, 'an open intent could not be settled yet');
      });
    },

    unheard: (intent) => inFlight.release(intent.id),
    settle: () => settler.all(),
  };
}

/** What is about to be done, by the name that the thing has for MLflow, and what was seen there. */
interface Looked {
  readonly action: IntentAction;
  readonly seen: Seen | undefined;
}

function seenIn(found: Existence): Seen | undefined {
  if (found === 'unclear') {
    return undefined;
  }
  return found === 'missing' ? 'nothing' : found.createdAt;
}

/** `Registered Model`, as MLflow writes it where there is none. */
const titleOf = ({ kind }: Place): string =>
  kind.replaceAll('_', ' ').replace(/\b[a-z]/g, (letter) => letter.toUpperCase());
