import type { Intent, Seen } from '../../store/types.ts';

/** How far the upstream's clock may lag behind the gateway's. */
const CLOCK_SKEW_MS = 60_000;
/** Later than every intent. */
const ANYBODY = Number.POSITIVE_INFINITY;

/** An open intent, as far as its outcome depends on it. */
export type Pending = Intent & {
  /**
   * `awaited`: a gateway waits for the answer. `unheard`: no answer came, and it may still be carried out. `over`: what
   * has not happened by now will not. `done`: the upstream has answered that it did it, just now.
   */
  readonly state: 'awaited' | 'unheard' | 'over' | 'done';
  /** When what a create made came into being, if its answer has told it. */
  readonly made?: number | undefined;
};

type Renamed = Pending & { readonly action: 'rename' };

/** What has a name upstream. */
export type Found =
  | {
      /** What grants on it are keyed by. */
      readonly id: string;
      /** Milliseconds since the epoch, by the upstream's clock: tells it from whatever else has had the name. */
      readonly createdAt: number;
    }
  | 'missing';

/** What is to become of an intent whose answer did not come. */
export type Outcome =
  /**
   * It created what has this id, or had it until a later intent took it away: its user manages that. The grant counts
   * as made at `since`, or now.
   */
  | { readonly outcome: 'adopt'; readonly id: string; readonly since: number | undefined }
  /** It renamed something: the grants move along. */
  | { readonly outcome: 'move' }
  /** What it was about is gone: so are the grants on it, as old as `before` or all of them. */
  | { readonly outcome: 'forget'; readonly before: number | undefined }
  /** It came to nothing, or nobody can tell whose doing it is: it ends, and with it all that have a part in that. */
  | { readonly outcome: 'close'; readonly ids: readonly number[] }
  /** For the answer to another, for others to be settled first, or for it to happen. */
  | { readonly outcome: 'wait'; readonly for: 'answer' | 'others' | 'event' };

/** Everything that bears on the outcome of an intent. */
export interface Scene {
  /** The open intents about the same names, the intent itself included, oldest first. */
  readonly open: readonly Pending[];
  /** What has a name now. */
  at(name: string): Found;
  /** When each grant on what the intent is about was made, in milliseconds since the epoch. */
  readonly grantedAt: readonly number[];
}

/**
 * What is to become of an intent whose answer did not come. Settled oldest first, the intents about the same names leave
 * everybody's grants on what they were on, nothing on what is gone, and nothing of an earlier thing on a later one.
 *
 * Pure: the upstream is not asked. A thing is known by the moment at which it came into being, which a rename leaves
 * as it is, so that what was seen under one name is known again under another.
 */
export function outcomeOf(intent: Pending, scene: Scene): Outcome {
  if (isBlocked(intent, scene)) {
    return { outcome: 'wait', for: 'answer' };
  }
  switch (intent.action) {
    case 'create':
      return outcomeOfCreate(intent, scene);
    case 'rename':
      return outcomeOfRename(intent, scene);
    case 'delete':
      return outcomeOfDelete(intent, scene);
  }
}

/** Whether another gateway, or another request of this one, waits for an answer that decides about the same names. */
function isBlocked(intent: Pending, { open, at }: Scene): boolean {
  if (intent.action === 'create' && intent.state === 'over' && at(intent.name) === 'missing') {
    return false;
  }
  return open.some((other) => {
    if (other.id === intent.id || other.state !== 'awaited') {
      return false;
    }
    // A create that found the name taken says nothing of what has it: a caller who tries again and again keeps nobody waiting.
    return other.action !== 'create' || !isSeenBy(other, at(other.name));
  });
}

function outcomeOfCreate(intent: Pending, { open, at, grantedAt }: Scene): Outcome {
  const here = at(intent.name);
  for (const trace of tracesOf(intent, here, open)) {
    const { thing, seenBy } = trace;
    if (!mayHaveMade(intent, thing, open, seenBy)) {
      continue;
    }
    if (open.some((other) => leaves(other, intent.name) && other.seen !== thing)) {
      // The grants on the name are still those on something else.
      return { outcome: 'wait', for: 'others' };
    }
    if (!wasHeld(thing, grantedAt, intent)) {
      return claimed(intent, trace, open);
    }
  }
  return here === 'missing' ? unlessItMayHappen(intent) : closed(intent);
}

/** What a create may have made. */
interface Trace {
  readonly id: string;
  readonly thing: number;
  /** The intent that found it there to take it away: what was opened later has not made it. */
  readonly seenBy: number;
  readonly since: number | undefined;
}

/** What the later intents about a name have found there, and what has it now. */
function tracesOf(intent: Pending, here: Found, open: readonly Pending[]): readonly Trace[] {
  const { id, name } = intent;
  const taken = open.flatMap((later) =>
    later.id > id && leaves(later, name) && typeof later.seen === 'number'
      ? [{ id: name, thing: later.seen, seenBy: later.id, since: madeAt(intent, later.seen, later) }]
      : [],
  );
  return here === 'missing'
    ? taken
    : [...taken, { id: here.id, thing: here.createdAt, seenBy: ANYBODY, since: undefined }];
}

function outcomeOfRename(intent: Renamed, scene: Scene): Outcome {
  const here = scene.at(intent.name);
  if (typeof intent.seen !== 'number') {
    // Of an older gateway: nobody can tell what it renamed.
    return unlessItMayHappen(intent);
  }
  if (isRepeated(intent, scene.open)) {
    return closed(intent);
  }
  if (isYetToBeFollowed(intent, scene.open)) {
    return { outcome: 'wait', for: 'others' };
  }
  if (hasArrived(intent, scene)) {
    return { outcome: 'move' };
  }
  if (isSeenBy(intent, here)) {
    return unlessItMayHappen(intent);
  }
  if (wentElsewhere(intent, scene)) {
    return closed(intent);
  }
  return { outcome: 'forget', before: here === 'missing' ? undefined : intent.createdAt };
}

function outcomeOfDelete(intent: Pending, scene: Scene): Outcome {
  const here = scene.at(intent.name);
  if (wentElsewhere(intent, scene)) {
    return closed(intent);
  }
  if (isYetToBeFollowed(intent, scene.open)) {
    return { outcome: 'wait', for: 'others' };
  }
  if (here === 'missing') {
    return { outcome: 'forget', before: undefined };
  }
  const isAnother = !isSeenBy(intent, here) && here.createdAt > intent.createdAt - skewFor(intent);
  return isAnother ? { outcome: 'forget', before: intent.createdAt } : unlessItMayHappen(intent);
}

/** Without a moment to know the thing by, only what is younger than the intent is surely another. */
const skewFor = ({ seen }: Intent): number => (typeof seen === 'number' ? CLOCK_SKEW_MS : 0);

const closed = ({ id }: Intent): Outcome => ({ outcome: 'close', ids: [id] });

function unlessItMayHappen(intent: Pending): Outcome {
  return intent.state === 'unheard' ? { outcome: 'wait', for: 'event' } : closed(intent);
}

/**
 * When a create made a thing, by the gateway's clock: after it began, and before a later intent found it there.
 *
 * @param thing - when that was by the upstream's clock.
 */
export function madeAt(create: Intent, thing: number, taker?: Intent): number {
  return Math.min(Math.max(create.createdAt, thing), taker?.createdAt ?? ANYBODY);
}

/** What a create made, if nobody else may have made it too: then nobody can tell whose doing it is, and nobody gets it. */
function claimed(intent: Pending, { id, thing, seenBy, since }: Trace, open: readonly Pending[]): Outcome {
  const claimants = open.filter(
    (other) =>
      other.action === 'create' && other.name === intent.name && other.id < seenBy && isInTime(other, thing),
  );
  return claimants.every(({ userId }) => userId === intent.userId)
    ? { outcome: 'adopt', id, since }
    : { outcome: 'close', ids: claimants.map((claimant) => claimant.id) };
}

/** Whether a create may have made a thing: it is not older, was not there before, and came by no other way. */
function mayHaveMade(intent: Pending, thing: number, open: readonly Pending[], seenBy: number): boolean {
  const isOf = (other: Pending): boolean => {
    switch (other.action) {
      case 'rename':
        return other.newName === intent.name && other.seen === thing;
      case 'create':
        return hasMade(other, intent.name, thing) && other.id < seenBy;
      case 'delete':
        return false;
    }
  };
  return isInTime(intent, thing) && !open.some(isOf);
}

/** Whether a create that was answered has made a thing, as far as its answer tells. */
const hasMade = ({ action, state, name, made }: Pending, at: string, thing: Seen | undefined): boolean =>
  action === 'create' && state === 'done' && name === at && (made === undefined || made === thing);

/** Whether a rename that was answered has brought a thing to a name. */
const hasBrought = (other: Pending, to: string, thing: Seen | undefined): boolean =>
  other.action === 'rename' && other.state === 'done' && other.newName === to && other.seen === thing;

/** Whether what an intent is about was brought there by a request that has just been answered, and the grants were not so far. */
const isYetToBeFollowed = ({ id, name, seen }: Pending, open: readonly Pending[]): boolean =>
  open.some((other) => other.id < id && (hasMade(other, name, seen) || hasBrought(other, name, seen)));

const isInTime = ({ createdAt, seen }: Intent, thing: Seen | undefined): boolean =>
  typeof thing === 'number' && thing >= createdAt - CLOCK_SKEW_MS && thing !== seen;

/** Whether a user held a grant on a thing before the intent was opened: then it was there before. */
function wasHeld(thing: number, grantedAt: readonly number[], intent: Intent): boolean {
  const since = Math.min(intent.createdAt, thing - CLOCK_SKEW_MS);
  return grantedAt.some((moment) => moment >= since && moment <= intent.createdAt);
}

const isSeenBy = ({ seen }: Intent, found: Found): boolean => found !== 'missing' && found.createdAt === seen;

/** Whether an intent is about to take away what has a name. */
const leaves = ({ action, name }: Pick<Intent, 'action' | 'name'>, from: string): boolean =>
  action !== 'create' && name === from;

/** Whether a later intent to rename the same thing found it where it had been, and does the same. */
function isRepeated({ id, name, newName, seen }: Renamed, open: readonly Pending[]): boolean {
  const again = open.find(
    (later) => later.id > id && later.action === 'rename' && later.name === name && later.seen === seen,
  );
  const isBetween = (other: Pending) => other.id > id && again !== undefined && other.id < again.id;
  return (
    again?.action === 'rename' &&
    again.newName === newName &&
    !open.some((other) => isBetween(other) && leaves(other, newName) && other.seen === seen)
  );
}

/** Whether a rename was carried out. */
function hasArrived(intent: Renamed, scene: Scene): boolean {
  return intent.state === 'done' || isAtItsNewName(intent, scene);
}

/** Whether what a rename was about has the new name, or had it when another intent found it there to take it away. */
export function isAtItsNewName(
  { id, newName, seen }: Renamed,
  { open, at }: Pick<Scene, 'open' | 'at'>,
): boolean {
  const there = at(newName);
  return (
    (there !== 'missing' && there.createdAt === seen) ||
    open.some((later) => later.id > id && leaves(later, newName) && later.seen === seen)
  );
}

/**
 * Whether an intent must be settled before what follows from an answer: it is about to take the grants from where the
 * other has brought something, or it may have brought what the other took away.
 */
export function bearsOn(other: Pending, answered: Pending): boolean {
  if (answered.action === 'create') {
    const takesWhatItMade = answered.made !== undefined && other.seen === answered.made;
    return other.action === 'rename' && other.name === answered.name && !takesWhatItMade;
  }
  if (answered.action === 'rename' && other.action === 'rename') {
    const takesWhatItBrought = other.seen === answered.seen;
    if (other.name === answered.newName && !takesWhatItBrought) {
      return true;
    }
  }
  if (other.id > answered.id || other.action === 'delete') {
    return false;
  }
  return other.action === 'rename'
    ? other.newName === answered.name && other.seen === answered.seen
    : other.name === answered.name && isInTime(other, answered.seen);
}

/** Whether another rename took away what an intent is about: then the intent came to nothing. */
function wentElsewhere(intent: Pending, scene: Scene): boolean {
  return scene.open.some(
    (other) =>
      other.action === 'rename' &&
      other.id !== intent.id &&
      other.name === intent.name &&
      other.seen === intent.seen &&
      hasArrived(other, scene),
  );
}
