import type { Store } from '../../store/index.ts';
import type { Intent, Seen } from '../../store/types.ts';
import type { Finder } from './find.ts';
import { isAtItsNewName, madeAt, type Pending, type Scene } from './outcome.ts';
import { askedKindOf, placeOf } from './places.ts';

/** The store and the way to MLflow, for what follows from an intent. */
export interface ConsequenceParts {
  readonly store: Pick<Store, 'grants' | 'intents' | 'now'>;
  readonly finder: Finder;
}

/** What has each name now, and the open intents about the same names. */
type Others = Pick<Scene, 'at' | 'open'>;

/**
 * Does what follows from an intent that MLflow has carried out and that no other bears on.
 *
 * @param id - what grants on it are keyed by from now on.
 * @param made - when what was created came into being, in milliseconds since the epoch, if the answer tells it.
 * @returns false, with nothing done, if that takes a look at what has the name now.
 */
export async function followAlone(
  parts: ConsequenceParts,
  intent: Intent,
  id: string,
  made?: number,
): Promise<boolean> {
  const { grants } = parts.store;
  const { kind, id: intentId, createdAt: since } = intent;
  switch (intent.action) {
    case 'create':
      await adopt(parts, intent, id, made);
      return true;
    case 'rename':
      return grants.rename({ kind, from: intent.name, to: id, since, intentId });
    case 'delete':
      if (await grants.forget({ kind, id: intent.name, before: since, intentId })) {
        await forgetTheRest(parts, intent);
      }
      return true;
  }
}

/** Does what follows from an intent that MLflow has carried out, where all others that bear on it are known. */
export async function followAmongOthers(
  parts: ConsequenceParts,
  intent: Pending,
  id: string,
  others: Others,
): Promise<void> {
  switch (intent.action) {
    case 'create':
      return followCreate(parts, intent, id, others);
    case 'rename':
      return followRename(parts, intent, id, others);
    case 'delete':
      await followAlone(parts, intent, id);
  }
}

async function followCreate(
  parts: ConsequenceParts,
  intent: Pending,
  id: string,
  others: Others,
): Promise<void> {
  const { name, made, seen } = intent;
  const here = others.at(name);
  const thing = made ?? (here === 'missing' || here.createdAt === seen ? undefined : here.createdAt);
  // A caller who is about to take it away, or has, takes the grant along.
  const taker = others.open.find((later) => isAbout(later, name, thing));
  const isHere = here !== 'missing' && here.createdAt === thing;
  if (!isHere && taker === undefined) {
    // Another request has brought something else there since.
    return parts.store.intents.close(intent.id);
  }
  // Taken away or not: what this one has made is no other's, who may have made what is there now.
  await noteSeen(parts, { name, thing }, intent, others);
  await adopt(parts, intent, id, thing, taker);
}

async function followRename(
  parts: ConsequenceParts,
  intent: Pending & { readonly action: 'rename' },
  to: string,
  others: Others,
): Promise<void> {
  const { grants } = parts.store;
  const { kind, id: intentId, createdAt: since, name: from, newName, seen } = intent;
  if (isAtItsNewName(intent, others)) {
    await noteSeen(parts, { name: newName, thing: seen }, intent, others);
    await grants.rename({ kind, from, to, since, proven: true, intentId });
  } else {
    await grants.forget({ kind, id: from, before: since, intentId });
  }
}

/** The grant counts as made when the thing was: before any intent that has found it there. */
function adopt(
  { store: { grants } }: ConsequenceParts,
  intent: Intent,
  id: string,
  thing?: number,
  taker?: Intent,
): Promise<void> {
  const { kind, id: intentId, userId } = intent;
  const since = thing === undefined ? {} : { since: madeAt(intent, thing, taker) };
  return grants.adopt({ kind, id, userId, intentId, ...since });
}

/** What was granted while a delete was under way was on something else, unless nothing is there. */
async function forgetTheRest({ store, finder }: ConsequenceParts, intent: Intent): Promise<void> {
  const kind = askedKindOf(intent);
  const before = (await store.now()) - 1;
  if (kind !== undefined && (await finder.find(placeOf(intent, kind))) === 'missing') {
    await store.grants.forget({ kind: intent.kind, id: intent.name, before });
  }
}

/** What a request has brought to a name is not the doing of others that do not know yet whether it is theirs. */
async function noteSeen(
  { store: { intents } }: ConsequenceParts,
  { name, thing }: { readonly name: string; readonly thing: Seen | undefined },
  by: Pending,
  { open }: Others,
): Promise<void> {
  const rivals = open.filter((each) => each.id !== by.id && each.action === 'create' && each.name === name);
  if (typeof thing === 'number' && rivals.length > 0) {
    await intents.noteSeen(
      rivals.map(({ id }) => id),
      thing,
    );
  }
}

/** Whether an intent is about to rename or delete a thing that it found under a name. */
const isAbout = ({ action, name, seen }: Pending, at: string, thing: number | undefined): boolean =>
  action !== 'create' && name === at && seen === thing && thing !== undefined;
