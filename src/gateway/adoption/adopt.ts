import { setTimeout } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import { unavailable } from '../../errors.ts';
import {
  ASKED_KINDS,
  type AskedKind,
  type Existence,
  existenceTarget,
  readExistence,
} from '../../mlflow/things/existence.ts';
import type { Upstream } from '../../mlflow/upstream/upstream.ts';
import type { Store } from '../../store/index.ts';
import { typesSharingNamesWith } from '../../store/namespaces.ts';
import type { Intent, IntentAction } from '../../store/types.ts';

/** How far the upstream's clock may lag behind the gateway's. */
const CLOCK_SKEW_MS = 60_000;
/** A create whose answer never came may still happen; after this it does not. */
const GIVE_UP_MS = 15 * 60_000;
/** How long the new owner of a name waits for the grants of what was renamed away from it to be gone. */
const VACATE_MS = 5_000;
const VACATE_POLL_MS = 20;

/** Keeps grants in step with what is created, renamed and deleted upstream (invariant 6). */
export interface Adoption {
  /** Writes what is about to be forwarded; throws 503 if it cannot be written, so that nothing is forwarded. */
  open(action: IntentAction, userId: number): Promise<Intent>;
  /** The upstream did it: grants follow in one transaction, before the caller is answered. */
  done(intent: Intent, id: string): Promise<void>;
  /** The upstream refused: nothing happened. */
  refused(intent: Intent): Promise<void>;
  /**
   * The upstream failed: what has not happened by now will not, and what somebody else calls by the name later must
   * not be taken for it. Whoever can make the upstream fail could else lie in wait for a name.
   */
  failed(intent: Intent): Promise<void>;
  /** No clear answer came: the intent stays open and is settled against the upstream. */
  unheard(intent: Intent): void;
  /** Settles what was left open by a crash, a lost connection or a time-out. Answers how many are still open. */
  settle(): Promise<number>;
}

export function createAdoption(
  store: Store,
  upstream: Upstream,
  clock: () => number,
  log: FastifyBaseLogger,
): Adoption {
  /** Intents whose request is still on its way in this process: not to be settled behind its back. */
  const inFlight = new Set<number>();

  /** @param isOver - whether the upstream has answered: then nothing can still come. */
  async function settleOne(intent: Intent, isOver = false): Promise<boolean> {
    const expired = clock() - intent.createdAt > GIVE_UP_MS;
    const mayStillCome = !expired && !isOver;
    const kind = ASKED_KINDS.find((each) => each === intent.kind);
    // Of an older or newer gateway in the same store: nothing is granted on what cannot be asked for.
    if (kind === undefined) {
      if (expired) await store.intents.close(intent.id);
      return expired;
    }
    // What another process grants after this moment is on something newer than what is found.
    const before = clock() - 1;
    const found = await find(kind, intent.action === 'delete' ? 'byId' : 'byName', intent.name);
    if (found === 'unclear') return false;
    switch (intent.action) {
      case 'create':
        // Only what came into being after the intent can be its doing, and only if nobody else has adopted it since.
        if (found !== 'missing' && found.createdAt >= intent.createdAt - CLOCK_SKEW_MS) {
          const rivalry = await rivalryOver(intent, expired);
          if (rivalry === 'undecided') return false;
          if (rivalry === 'none' && !(await isHeld(kind, found, intent))) {
            await store.grants.adopt({ kind, id: found.id, userId: intent.userId, intentId: intent.id });
            return true;
          }
        } else if (found === 'missing' && mayStillCome) return false;
        break;
      case 'rename': {
        const renamed = await find(kind, 'byName', intent.newName);
        if (renamed === 'unclear') return false;
        // Without a grant on the old name there is nothing to move, and what is on the new one may be another's.
        if (found === 'missing' && renamed !== 'missing' && (await grantsOn(kind, intent.name)).length > 0) {
          const rivalry = await rivalryOver(intent, expired);
          if (rivalry === 'undecided') return false;
          if (rivalry === 'none' && (await isRenamed(kind, renamed, intent))) {
            await store.grants.rename({
              kind,
              from: intent.name,
              to: renamed.id,
              since: intent.createdAt,
              intentId: intent.id,
            });
            return true;
          }
        }
        if (found !== 'missing' && renamed === 'missing' && mayStillCome) return false;
        break;
      }
      case 'delete':
        if (found === 'missing') {
          await store.grants.forget({ kind, id: intent.name, before, intentId: intent.id });
          return true;
        }
        // Another of the name: what was granted on the one that is gone must not be on it.
        if (found.createdAt > intent.createdAt) {
          await store.grants.forget({ kind, id: intent.name, before: intent.createdAt, intentId: intent.id });
          return true;
        }
        if (mayStillCome) return false;
        break;
    }
    await store.intents.close(intent.id);
    return true;
  }

  async function trySettling(intent: Intent, isOver = false): Promise<boolean> {
    const settled = await settleOne(intent, isOver).catch((error: unknown) => {
      log.warn({ err: error, intent: intent.id }, 'an open intent could not be settled yet');
      return false;
    });
    if (settled)
      log.info({ intent: intent.id, action: intent.action, kind: intent.kind }, 'settled an open intent');
    return settled;
  }

  /**
   * Whether somebody holds a grant that is younger than what was found: then it was theirs from the start, and
   * the intent came too late for it.
   */
  async function isHeld(kind: AskedKind, found: Exclude<Existence, string>, intent: Intent) {
    const since = Math.min(intent.createdAt, found.createdAt - CLOCK_SKEW_MS);
    return (await grantsOn(kind, found.id)).some(({ createdAt }) => createdAt >= since);
  }

  /**
   * Whether what has the new name came by it by this rename. Something else may have had it all along, which made
   * MLflow refuse: whoever then got rid of the old name must not be given what belongs to another. MLflow notes the
   * time of a rename, and what has an owner was not renamed a moment ago.
   */
  async function isRenamed(kind: AskedKind, found: Exclude<Existence, string>, intent: Intent) {
    const isInTime =
      found.updatedAt >= intent.createdAt - CLOCK_SKEW_MS && found.createdAt <= intent.createdAt;
    return isInTime && (await grantsOn(kind, found.id)).length === 0;
  }

  /**
   * Whether somebody else was about to bring about the same name. Then nobody can tell whose doing it is: while an
   * answer may still come it is waited for, else nobody gets anything.
   */
  async function rivalryOver(intent: Intent, expired: boolean): Promise<'none' | 'undecided' | 'lost'> {
    const rivals = (await store.intents.list()).filter(
      (other) =>
        other.userId !== intent.userId &&
        typesSharingNamesWith(intent.kind).includes(other.kind) &&
        claimedBy(other) !== undefined &&
        claimedBy(other) === claimedBy(intent),
    );
    if (rivals.length === 0) return 'none';
    if (!expired && rivals.some(({ id }) => inFlight.has(id))) return 'undecided';
    for (const { id } of rivals) if (!inFlight.has(id)) await store.intents.close(id);
    return 'lost';
  }

  /**
   * Waits until nothing is on its way from this name to another one. The rename has happened, or the name would not
   * have been free, and is about to move its grants, which must not be taken for leftovers.
   */
  async function vacated(kind: string, name: string): Promise<void> {
    const isLeaving = (other: Intent) =>
      other.action === 'rename' && other.name === name && typesSharingNamesWith(kind).includes(other.kind);
    for (let waited = 0; waited < VACATE_MS; waited += VACATE_POLL_MS) {
      if (!(await store.intents.list()).some(isLeaving)) return;
      await setTimeout(VACATE_POLL_MS);
    }
  }

  /** Every grant on a name: as a model and as a prompt, which share one space of names. */
  async function grantsOn(kind: AskedKind, id: string) {
    const types = typesSharingNamesWith(kind);
    return (await Promise.all(types.map((type) => store.grants.forResource(type, id)))).flat();
  }

  async function find(kind: AskedKind, by: 'byName' | 'byId', text: string): Promise<Existence> {
    const answer = await upstream.exchange({ method: 'GET', target: existenceTarget(kind, by, text) });
    return readExistence(kind, by, text, answer);
  }

  return {
    async open(action, userId) {
      try {
        const intent = await store.intents.open(action, userId);
        inFlight.add(intent.id);
        return intent;
      } catch (cause) {
        throw unavailable('The gateway cannot write to its store. Nothing was changed; try again.', cause);
      }
    },
    async done(intent, id) {
      const { kind } = intent;
      const intentId = intent.id;
      try {
        if (intent.action !== 'delete') await vacated(kind, id);
        if (intent.action === 'create')
          await store.grants.adopt({ kind, id, userId: intent.userId, intentId });
        else if (intent.action === 'rename')
          await store.grants.rename({ kind, from: intent.name, to: id, since: intent.createdAt, intentId });
        else await store.grants.forget({ kind, id: intent.name, before: intent.createdAt, intentId });
      } finally {
        inFlight.delete(intentId);
      }
    },
    async refused(intent) {
      try {
        await store.intents.close(intent.id);
      } finally {
        inFlight.delete(intent.id);
      }
    },
    async failed(intent) {
      inFlight.delete(intent.id);
      await trySettling(intent, true);
    },
    unheard(intent) {
      inFlight.delete(intent.id);
    },
    async settle() {
      let open = 0;
      for (const intent of await store.intents.list()) {
        if (!inFlight.has(intent.id) && !(await trySettling(intent))) open += 1;
      }
      return open;
    },
  };
}

/** The name that something will have once an intent has come about. */
function claimedBy(intent: Intent): string | undefined {
  if (intent.action === 'delete') return undefined;
  return intent.action === 'rename' ? intent.newName : intent.name;
}
