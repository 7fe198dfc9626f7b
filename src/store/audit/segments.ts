import { type AuditEntry, firstIdOf, momentOf } from './entry.ts';
import { areAlike, lineLike, lineOf, readLines } from './lines.ts';
import { ownTerms, sharedTerms } from './terms.ts';
import { createText, type Text } from './text.ts';

/**
 * Entries of about the same time, kept as one. To keep and to index each entry by itself costs fourteen insertions into
 * B-trees; entries of about the same time have much in common, and what they have in common is kept once.
 */
export interface Segment {
  /**
   * The id of its newest entry, a slash, and how many entries it has: it stands for the same entries always, as segments
   * that are put together make a longer one.
   */
  readonly id: string;
  /** The id of its oldest entry. */
  readonly firstId: string;
  /** JSON Lines, oldest first; what is like an entry before it says so. */
  readonly entries: string;
  /** Which entries have each {@link termsOf term}: {@link positionsOf positions} from the oldest. */
  readonly terms: ReadonlyMap<string, string>;
}

/**
 * Entries of a segment at most. The more, the fewer terms are written where many runs are logged at once, which cost more than
 * all else of an entry; and the more is read for a page of entries each of which lies in another.
 */
export const SEGMENT_SIZE = 512;

/** Time from the oldest entry of a segment to the newest at most, so that it is known how far back one can reach. */
export const SEGMENT_SPAN_MS = 3_600_000;

/** Puts entries into as few segments as can be, each entry into one. */
export function segmentsOf(entries: readonly AuditEntry[]): readonly Segment[] {
  const collection = collectEntries();
  for (const entry of entries.toSorted((one, other) => (one.id < other.id ? -1 : 1))) {
    collection.add(entry);
  }
  return collection.take();
}

/** Entries that come one by one and become segments. */
export interface Collection {
  /** Takes an entry, and soon keeps little of it but {@link Text text}. */
  add(entry: AuditEntry): void;
  /** Gives out what it has taken, and has nothing then. */
  take(): readonly Segment[];
}

/**
 * A run is written to by some operations in turn, each of which is like itself alone. More are not compared with each entry.
 */
const MOST_ABOUT_A_THING = 8;

/** Entries that are made text one right after the other: alone, each would find none of the code for it in the caches of the processor. */
const TOGETHER = 64;

/** Starts to collect entries. Those that come in the order of their ids become as few segments as can be. */
export function collectEntries(): Collection {
  const text = createText();
  let fresh: AuditEntry[] = [];
  let begun: OpenSegment[] = [];

  function appendFresh(): void {
    const taken = fresh;
    fresh = [];
    let lines: string[] = [];
    for (const entry of taken) {
      let open = begun.at(-1);
      if (open === undefined || !fits(open, entry.id)) {
        write(lines);
        lines = [];
        open = openSegment(entry.id, text.length);
        begun.push(open);
      }
      lines.push(append(open, entry));
    }
    write(lines);
  }

  /** Writes lines of the segment that was begun last. */
  function write(lines: readonly string[]): void {
    const open = begun.at(-1);
    if (open !== undefined && lines.length > 0) {
      text.add(`${open.end === open.start ? '' : '\n'}${lines.join('\n')}`);
      open.end = text.length;
    }
  }

  return {
    add(entry) {
      fresh.push(entry);
      if (fresh.length === TOGETHER) {
        appendFresh();
      }
    },
    take() {
      appendFresh();
      const taken = begun.map((each) => segmentOf(each, text));
      begun = [];
      text.clear();
      return taken;
    },
  };
}

/** A segment that entries are added to, or were. */
interface OpenSegment {
  readonly firstId: string;
  /** The id that its entries must be below. */
  readonly endsBefore: string;
  lastId: string;
  size: number;
  /** Where its entries stand in the text of all. */
  readonly start: number;
  end: number;
  readonly likenesses: Likeness[];
  /** The latest of them about each thing, {@link MOST_ABOUT_A_THING} at most. */
  readonly latest: Map<string | undefined, Likeness[]>;
  /** Positions of entries that have a term of their own. */
  readonly own: Map<string, Positions>;
}

/** A set of positions in a segment, a bit for each, the lowest position in the lowest bit of the first byte. */
type Positions = Uint8Array;

/** Entries that are alike, by the first of them, which is at a position. */
interface Likeness {
  readonly first: AuditEntry;
  readonly at: number;
  readonly positions: Positions;
}

function openSegment(firstId: string, start: number): OpenSegment {
  const endsBefore = firstIdOf(momentOf(firstId) + SEGMENT_SPAN_MS + 1);
  const nothing = { size: 0, start, end: start, likenesses: [], latest: new Map(), own: new Map() };
  return { firstId, endsBefore, lastId: '', ...nothing };
}

function fits({ endsBefore, lastId, size }: OpenSegment, id: string): boolean {
  return size < SEGMENT_SIZE && id > lastId && id < endsBefore;
}

/** @returns the line of the entry. */
function append(open: OpenSegment, entry: AuditEntry): string {
  const { likenesses, latest, size: position } = open;
  // What is named first is the thing itself, what follows is what it lies in.
  const about = entry.resources[0]?.id;
  const those = latest.get(about) ?? [];
  const known = those.find(({ first }) => areAlike(first, entry));
  if (known === undefined) {
    const likeness = { first: entry, at: position, positions: onlyAt(position) };
    likenesses.push(likeness);
    latest.set(about, [likeness, ...those].slice(0, MOST_ABOUT_A_THING));
  } else {
    setBit(known.positions, position);
  }
  for (const term of ownTerms(entry)) {
    addTo(open.own, term, onlyAt(position));
  }
  open.lastId = entry.id;
  open.size += 1;
  return known === undefined ? lineOf(entry) : lineLike(known.at, entry);
}

function segmentOf({ firstId, lastId, size, start, end, likenesses, own }: OpenSegment, text: Text): Segment {
  const having = new Map(own);
  for (const { first, positions } of likenesses) {
    for (const term of new Set(sharedTerms(first))) {
      addTo(having, term, positions);
    }
  }
  return {
    id: `${lastId}/${size}`,
    firstId,
    entries: text.between(start, end),
    terms: new Map(Array.from(having, ([term, positions]) => [term, positionsText(positions)])),
  };
}

function addTo(having: Map<string, Positions>, term: string, positions: Positions): void {
  const known = having.get(term);
  if (known === undefined) {
    having.set(term, positions.slice());
    return;
  }
  for (let index = 0; index < known.length; index += 1) {
    known[index] = (known[index] ?? 0) | (positions[index] ?? 0);
  }
}

function onlyAt(position: number): Positions {
  const positions = new Uint8Array(SEGMENT_SIZE / 8);
  setBit(positions, position);
  return positions;
}

function setBit(positions: Positions, position: number): void {
  const index = position >>> 3;
  positions[index] = (positions[index] ?? 0) | (1 << (position & 7));
}

/** The id of the newest entry of a segment. */
export const newestIn = (segmentId: string): string => segmentId.split('/')[0] ?? '';

/** How many entries a segment has. */
export const sizeOf = (segmentId: string): number => Number(segmentId.split('/')[1]);

/** A set of positions as hexadecimal digits, the lowest position in the lowest bit. */
function positionsText(positions: Positions): string {
  return Buffer.from(positions).reverse().toString('hex').replace(/^0+/, '');
}

/** The set of positions that such text tells, as bits. */
export function positionsOf(text: string): bigint {
  return BigInt(`0x${text}`);
}

/** How many positions are in a set. */
export function countOf(positions: bigint): number {
  return positions.toString(2).replaceAll('0', '').length;
}

/**
 * The entries of a segment at some positions, newest first.
 *
 * @param entries - JSON Lines, oldest first.
 */
export function entriesAt(entries: string, positions: bigint): readonly AuditEntry[] {
  return readLines(entries, (position) => ((positions >> BigInt(position)) & 1n) === 1n).reverse();
}

/** All entries of a segment, oldest first. */
export const readEntries = (entries: string): readonly AuditEntry[] => readLines(entries);
