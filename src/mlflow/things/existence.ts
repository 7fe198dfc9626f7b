import { isObject } from '../read/json.ts';
import { propertyAt } from '../read/property-at.ts';
import { replyJson } from '../upstream/answer-json.ts';
import type { Answer } from '../upstream/upstream.ts';
import { type Moments, TRACKED_LOOK_UPS, type TrackedLookUp, type Way } from './look-ups.ts';

/** A kind that MLflow can be asked for. */
export type AskedKind = keyof typeof TRACKED_LOOK_UPS;

export const ASKED_KINDS = Object.keys(TRACKED_LOOK_UPS) as readonly AskedKind[];

export function isAskedKind(kind: string): kind is AskedKind {
  return Object.hasOwn(TRACKED_LOOK_UPS, kind);
}

/**
 * Whether the grants on things of this kind are keyed by their names, which another may come to have. The ids of the
 * others are made by MLflow.
 */
export function isKeyedByName(kind: AskedKind): boolean {
  const { id } = momentsOf(kind);
  return id === undefined || id === 'name' || id === '@organization/name';
}

/** What MLflow says of a thing: when it came into being and was last changed, in milliseconds since the epoch. */
export type Existence =
  | { readonly id: string; readonly createdAt: number; readonly updatedAt: number }
  | 'missing'
  | 'unclear';

/** Where MLflow is asked for a thing. */
export function existenceTarget(kind: AskedKind, by: 'byName' | 'byId', text: string): string {
  return questionOf(kind, by).target(text);
}

/** Reads what MLflow answered there. */
export function readExistence(
  kind: AskedKind,
  by: 'byName' | 'byId',
  text: string,
  answer: Pick<Answer, 'status' | 'bytes'>,
): Existence {
  const { status } = answer;
  if (status === 404) {
    return 'missing';
  }
  if (status !== 200) {
    return 'unclear';
  }
  const { at, where } = questionOf(kind, by);
  const reply = replyJson(answer);
  const found = at === undefined ? reply : propertyAt(reply, at);
  if (where === undefined) {
    return oldest(Array.isArray(found) ? found : [found], momentsOf(kind), text);
  }
  // MLflow leaves an empty list out.
  if (!isObject(reply) || (found !== undefined && !Array.isArray(found))) {
    return 'unclear';
  }
  const rows = (found ?? []).filter((row: unknown) => propertyAt(row, where) === text);
  return rows.length === 0 ? 'missing' : oldest(rows, momentsOf(kind), text);
}

/** The oldest way is one that every version takes. */
function questionOf(kind: AskedKind, by: 'byName' | 'byId'): Way {
  const lookUp: TrackedLookUp = TRACKED_LOOK_UPS[kind];
  const way = (lookUp[by] ?? lookUp.byName).at(-1);
  if (way === undefined) {
    throw new Error(`there is no way to ask for a ${kind}`);
  }
  return way;
}

const momentsOf = (kind: AskedKind): Moments => TRACKED_LOOK_UPS[kind].tells;

/** Of several versions the first: with it the whole came into being. */
function oldest(rows: readonly unknown[], facts: Moments, asked: string): Existence {
  const [first] = rows;
  const id = facts.id === undefined ? asked : propertyAt(first, facts.id);
  const momentsAt = (path: string) => rows.map((row) => momentIn(propertyAt(row, path)));
  const createdAt = Math.min(...momentsAt(facts.createdAt));
  const updatedAt = Math.max(...momentsAt(facts.updatedAt ?? facts.createdAt));
  return typeof id === 'string' && Number.isFinite(createdAt) && Number.isFinite(updatedAt)
    ? { id, createdAt, updatedAt }
    : 'unclear';
}

/** When a thing came into being, in milliseconds since the epoch, if an answer that shows it tells it. */
export function createdAtIn(kind: AskedKind, shown: unknown): number | undefined {
  const moment = momentIn(propertyAt(shown, momentsOf(kind).createdAt));
  return Number.isFinite(moment) ? moment : undefined;
}

/** JSON has 64-bit integers as text where it is protobuf's; nothing at all is no moment. */
function momentIn(value: unknown): number {
  return typeof value === 'number' || (typeof value === 'string' && value !== '')
    ? Number(value)
    : Number.NaN;
}
