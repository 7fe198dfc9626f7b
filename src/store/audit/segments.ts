import { type AuditEntry, firstIdOf, momentOf } from './entry.ts';
import { areAlike, lineLike, lineOf, readLines } from './lines.ts';
import { ownTerms, sharedTerms } from './terms.ts';

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

/** Entries of a segment at most: a page of a search reads some hundred kilobytes, and a set of positions is short. */
export const SEGMENT_SIZE = 256;

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
  /** Takes an entry, and keeps nothing of it but text: V8 copies objects that wait, again and again. */
  add(entry: AuditEntry): void;
  /** Gives out what it has taken, and has nothing then. */
  take(): readonly Segment[];
}

/** Starts to collect entries. Those that come in the order of their ids become as few segments as can be. */
export function collectEntries(): Collection {
  let full: Segment[] = [];
  let open: OpenSegment | undefined;

  function close(): void {
    if (open !== undefined) {
      full.push(closed(open));
      open = undefined;
    }
  }

  return {
    add(entry) {
      if (open !== undefined && !fits(open, entry.id)) {
        close();
      }
      open ??= begun(entry.id);
      append(open, entry);
    },
    take() {
      close();
      const taken = full;
      full = [];
      return taken;
    },
  };
}

/** A segment that entries are added to. */
interface OpenSegment {
  readonly firstId: string;
  /** The id that its entries must be below. */
  readonly endsBefore: string;
  lastId: string;
  readonly lines: string[];
  readonly likenesses: Likeness[];
  /** The latest of them by the thing that it is about. */
  readonly latest: Map<string | undefined, Likeness>;
  /** Positions of entries that have a term of their own. */
  readonly own: Map<string, number[]>;
}

/** Entries that are alike, by the first of them. */
interface Likeness {
  readonly first: AuditEntry;
  readonly positions: number[];
}

function begun(firstId: string): OpenSegment {
  const endsBefore = firstIdOf(momentOf(firstId) + SEGMENT_SPAN_MS + 1);
  const nothing = { lines: [], likenesses: [], latest: new Map(), own: new Map() };
  return { firstId, endsBefore, lastId: firstId, ...nothing };
}

function fits({ endsBefore, lastId, lines }: OpenSegment, id: string): boolean {
  return lines.length < SEGMENT_SIZE && id > lastId && id < endsBefore;
}

function append(open: OpenSegment, entry: AuditEntry): void {
  const { lines, likenesses, latest } = open;
  const position = lines.length;
  const about = entry.resources.at(-1)?.id;
  const known = latest.get(about);
  if (known !== undefined && areAlike(known.first, entry)) {
    known.positions.push(position);
    lines.push(lineLike(known.positions[0] ?? 0, entry));
  } else {
    const likeness = { first: entry, positions: [position] };
    likenesses.push(likeness);
    latest.set(about, likeness);
    lines.push(lineOf(entry));
  }
  for (const term of ownTerms(entry)) {
    addTo(open.own, term, [position]);
  }
  open.lastId = entry.id;
}

function closed({ firstId, lastId, lines, likenesses, own }: OpenSegment): Segment {
  const having = new Map(own);
  for (const { first, positions } of likenesses) {
    for (const term of new Set(sharedTerms(first))) {
      addTo(having, term, positions);
    }
  }
  return {
    id: `${lastId}/${lines.length}`,
    firstId,
    entries: lines.join('\n'),
    terms: new Map(Array.from(having, ([term, positions]) => [term, positionsText(positions)])),
  };
}

function addTo(having: Map<string, number[]>, term: string, positions: readonly number[]): void {
  const known = having.get(term);
  if (known === undefined) {
    having.set(term, [...positions]);
  } else {
    known.push(...positions);
  }
}

/** The id of the newest entry of a segment. */
export const newestIn = (segmentId: string): string => segmentId.split('/')[0] ?? '';

/** How many entries a segment has. */
export const sizeOf = (segmentId: string): number => Number(segmentId.split('/')[1]);

/** A set of positions as hexadecimal digits, the lowest position in the lowest bit. */
function positionsText(positions: readonly number[]): string {
  const last = Math.max(...positions) >>> 2;
  const digits = new Array<number>(last + 1).fill(0);
  for (const position of positions) {
    const digit = last - (position >>> 2);
    digits[digit] = (digits[digit] ?? 0) | (1 << (position & 3));
  }
  return digits.map((digit) => digit.toString(16)).join('');
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
