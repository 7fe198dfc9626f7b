import { type AuditEntry, firstIdOf, momentOf } from './entry.ts';
import { type Spelling, spellOnce, termsOf } from './terms.ts';

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
  /** JSON Lines, oldest first. */
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
  /** Positions of the entries that have each term. */
  readonly having: Map<string, number[]>;
  readonly spelling: Spelling;
}

function begun(firstId: string): OpenSegment {
  const endsBefore = firstIdOf(momentOf(firstId) + SEGMENT_SPAN_MS + 1);
  return { firstId, endsBefore, lastId: firstId, lines: [], having: new Map(), spelling: spellOnce() };
}

function fits({ endsBefore, lastId, lines }: OpenSegment, id: string): boolean {
  return lines.length < SEGMENT_SIZE && id > lastId && id < endsBefore;
}

function append(open: OpenSegment, entry: AuditEntry): void {
  const { lines, having, spelling } = open;
  const position = lines.length;
  for (const term of termsOf(entry, spelling)) {
    const positions = having.get(term);
    if (positions === undefined) {
      having.set(term, [position]);
    } else if (positions.at(-1) !== position) {
      positions.push(position);
    }
  }
  lines.push(lineOf(entry));
  open.lastId = entry.id;
}

function closed({ firstId, lastId, lines, having }: OpenSegment): Segment {
  return {
    id: `${lastId}/${lines.length}`,
    firstId,
    entries: lines.join('\n'),
    terms: new Map(Array.from(having, ([term, positions]) => [term, positionsText(positions)])),
  };
}

/** The id of the newest entry of a segment. */
export const newestIn = (segmentId: string): string => segmentId.split('/')[0] ?? '';

/** How many entries a segment has. */
export const sizeOf = (segmentId: string): number => Number(segmentId.split('/')[1]);

/** A set of positions as hexadecimal digits, the lowest position in the lowest bit. */
function positionsText(positions: readonly number[]): string {
  const digits = new Array<number>(((positions.at(-1) ?? 0) >>> 2) + 1).fill(0);
  const last = digits.length - 1;
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
  return entries
    .split('\n')
    .filter((_, position) => ((positions >> BigInt(position)) & 1n) === 1n)
    .map((line) => JSON.parse(line) as AuditEntry)
    .reverse();
}

/** All entries of a segment, oldest first. */
export function readEntries(entries: string): readonly AuditEntry[] {
  return entries.split('\n').map((line) => JSON.parse(line) as AuditEntry);
}

/** An entry as a line of JSON. NUL is shown as what cannot be shown: neither terminals nor spreadsheets take it. */
function lineOf(entry: AuditEntry): string {
  const line = JSON.stringify(entry);
  return line.includes('\\u0000') ? JSON.stringify(entry, withoutNul) : line;
}

function withoutNul(_: string, value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll('\0', '\ufffd') : value;
}
