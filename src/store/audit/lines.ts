import type { AuditEntry } from './entry.ts';
import { cut, LONGEST_TEXT, showable } from './shown.ts';

/** What an entry has of its own where all else is as in another: that of a training loop comes again and again. */
type Own = Pick<AuditEntry, 'id' | 'at' | 'requestId' | 'durationMs'>;

/** What is kept of an entry that is like another, which stands before it. */
interface Alike extends Own {
  /** The position of the other among the entries of the segment. */
  readonly like: number;
}

/** Whether two entries differ in nothing but their moment, request and duration. Those that tell a change are like none. */
export function areAlike(one: AuditEntry, other: AuditEntry): boolean {
  // Field by field: to go through a list of their names takes a sixth more of all it costs to make an entry text.
  return (
    one.because === other.because &&
    one.username === other.username &&
    one.operation === other.operation &&
    one.path === other.path &&
    one.method === other.method &&
    one.ip === other.ip &&
    one.action === other.action &&
    one.allowed === other.allowed &&
    one.enforced === other.enforced &&
    one.status === other.status &&
    one.change === null &&
    other.change === null &&
    one.credential?.kind === other.credential?.kind &&
    one.credential?.id === other.credential?.id &&
    areSame(one.resources, other.resources)
  );
}

function areSame(some: AuditEntry['resources'], others: AuditEntry['resources']): boolean {
  return (
    some.length === others.length &&
    some.every(({ type, id }, at) => type === others[at]?.type && id === others[at]?.id)
  );
}

/** An entry as a line of JSON. */
export const lineOf = (entry: AuditEntry): string => json(entry);

/** What JSON has as it is, such as the id of a request. */
const PLAIN_TEXT = /^[\w.-]{1,200}$/;

/** An entry as a line of JSON that says which one it is like, a fifth as long. */
export function lineLike(like: number, { id, at, requestId, durationMs }: AuditEntry): string {
  // For half of what JSON.stringify takes.
  return requestId !== null && PLAIN_TEXT.test(requestId)
    ? `{"like":${like},"id":"${id}","at":${at},"requestId":"${requestId}","durationMs":${durationMs}}`
    : json({ like, id, at, requestId, durationMs } satisfies Alike);
}

/** JSON with texts as they are kept. A short line that escapes no character has them as they are. */
function json(value: AuditEntry | Alike): string {
  const line = JSON.stringify(value);
  return line.length > LONGEST_TEXT || line.includes('\\u') ? keptJson(value) : line;
}

/** What a change made is told whole, however long. */
function keptJson(value: AuditEntry | (Alike & { readonly change?: undefined })): string {
  const { change, ...others } = value;
  const kept: object = JSON.parse(JSON.stringify(others, eachText(cut)));
  return JSON.stringify({ ...kept, change }, eachText(showable));
}

const eachText =
  (as: (text: string) => string) =>
  (_: string, value: unknown): unknown =>
    typeof value === 'string' ? as(value) : value;

/**
 * Reads the entries of a segment.
 *
 * @param entries - JSON Lines, oldest first.
 * @param isWanted - of a position, from the oldest; of all unless it is given.
 * @returns those that are wanted, oldest first.
 */
export function readLines(
  entries: string,
  isWanted: (position: number) => boolean = () => true,
): AuditEntry[] {
  const lines = entries.split('\n');
  const likened = new Map<number, AuditEntry>();
  const whole = (position: number): AuditEntry => {
    const known = likened.get(position) ?? (JSON.parse(lines[position] ?? '') as AuditEntry);
    likened.set(position, known);
    return known;
  };
  const read: AuditEntry[] = [];
  for (const [position, line] of lines.entries()) {
    if (isWanted(position)) {
      const kept = JSON.parse(line) as AuditEntry | Alike;
      if ('like' in kept) {
        const { like, ...own } = kept;
        read.push({ ...whole(like), ...own });
      } else {
        read.push(kept);
      }
    }
  }
  return read;
}
