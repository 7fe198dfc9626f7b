import { type Field, isOf, type Scalar, type Shape } from './fields.ts';
import {
  afterSpace,
  endOfDouble,
  endOfInteger,
  endOfString,
  isAtEnd,
  isSame,
  NOT_PLAIN,
  textOf,
} from './plain-text.ts';

/**
 * The fields of a message that something is judged by, by the name of the proto: `whole` for all that stands there, or
 * what is wanted of each item of a list.
 */
export type Wanted = ReadonlyMap<string, 'whole' | Wanted>;

/**
 * Reads a body in one pass over its bytes, and makes nothing of it but what is wanted.
 *
 * @param version - of MLflow, as for readMessage.
 * @returns undefined for a body that is not plain beyond doubt: whether it is refused, and how, is for readJson and
 *   readMessage to say. What is answered is what these would read of the fields that are wanted; of the items of a list
 *   that have none of them, one is there, and one that has all the same as the one before it may be left out.
 */
export type Skim = (bytes: Buffer, version: string | undefined) => Record<string, unknown> | undefined;

// Of a value. Numbers, as to tell them apart takes a seventh of all the time where they are texts.
const STRING = 0;
const DOUBLE = 1;
const INT64 = 2;
const LIST = 3;

type ScalarKind = typeof STRING | typeof DOUBLE | typeof INT64;

const KINDS: Partial<Record<Scalar, ScalarKind>> = { string: STRING, double: DOUBLE, int64: INT64 };

/** One field as it is looked for. */
interface Sought {
  readonly name: string;
  readonly letters: Uint8Array;
  /** Its own of 31, to tell a field that is there twice. */
  readonly bit: number;
  readonly kind: ScalarKind | typeof LIST;
  /** Of what each item of a list may hold. */
  readonly item: Plan;
  readonly wanted: 'whole' | 'items' | undefined;
  /** Another whose name is as long. */
  readonly other: Sought | undefined;
}

/** The fields of a message by the length of their names, and by nothing else: few have the same. */
type Plan = readonly (Sought | undefined)[];

const MOST_FIELDS = 31;
const LONGEST_NAME = 64;
/** Messages within each other; they may hold themselves. */
const DEEPEST = 4;

/**
 * Prepares to skim the bodies of one message: the large and many ones that training loops send. A plain body is ASCII
 * without escapes, each field is there once, under the name of the proto, of a scalar type or a list of messages of such,
 * and every number is one that no reader rounds to another or takes for none.
 */
export function createSkim(shape: Shape, wanted: Wanted): Skim {
  const plans = new Map<string | undefined, Plan>();
  return (bytes, version) => {
    const plan = plans.get(version) ?? planOf(shape, wanted, version, 1);
    plans.set(version, plan);
    return skimmed(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), plan);
  };
}

function skimmed(view: DataView, plan: Plan): Record<string, unknown> | undefined {
  const found: Record<string, unknown> = {};
  try {
    const end = skimObject(view, afterSpace(view, 0), plan, found);
    return end !== NOT_PLAIN && isAtEnd(view, end) ? found : undefined;
  } catch (error) {
    // A body that ends in the middle of something.
    if (error instanceof RangeError) {
      return undefined;
    }
    throw error;
  }
}

function planOf(shape: Shape, wanted: Wanted, version: string | undefined, depth: number): Plan {
  const plan: (Sought | undefined)[] = Array.from({ length: LONGEST_NAME }, () => undefined);
  let bit = 1;
  for (const [key, field] of [...shape.fields].slice(0, MOST_FIELDS)) {
    const isTaken = key === field.name && key.length < LONGEST_NAME && isOf(field.versions, version);
    const sought = isTaken ? soughtOf(field, wanted, { version, bit, depth }) : undefined;
    if (sought !== undefined) {
      plan[key.length] = { ...sought, other: plan[key.length] };
      bit <<= 1;
    }
  }
  return plan;
}

/** Undefined for a field that makes no plain body. */
function soughtOf(
  { name, type, list, oneof }: Field,
  wanted: Wanted,
  { version, bit, depth }: { version: string | undefined; bit: number; depth: number },
): Omit<Sought, 'other'> | undefined {
  const asked = wanted.get(name);
  const common = { name, letters: Buffer.from(name), bit };
  if (oneof !== undefined) {
    return undefined;
  }
  if (list && type.kind === 'message' && depth < DEEPEST) {
    const items = typeof asked === 'object' ? asked : NOTHING;
    const item = planOf(type.shape, items, version, depth + 1);
    return { ...common, kind: LIST, item, wanted: typeof asked === 'object' ? 'items' : asked };
  }
  if (list || type.kind !== 'scalar' || typeof asked === 'object') {
    return undefined;
  }
  const kind = KINDS[type.scalar];
  return kind === undefined ? undefined : { ...common, kind, item: [], wanted: asked };
}

const NOTHING: Wanted = new Map();
/** Items in a row of which each is unlike the one before: from then on, one in so many is looked at for what is like it. */
const MOST_UNLIKE = 8;
const NOW_AND_THEN = 16;
/** What is found of an item of which nothing is wanted. */
const NO_ITEM: Record<string, unknown> = Object.freeze({});

const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;

/** A value of an item that has been read. */
interface Value {
  readonly field: Sought;
  readonly start: number;
  readonly end: number;
}

/**
 * How an item is written, from its first value to that of the next item: the kind of each value, and the text behind it.
 * Most are written as the one before them: they are known by what stands between their values, for half of what it takes
 * to read them. A value that is wanted is text here: nothing else is found in an item that is written alike.
 */
interface Form {
  /** What stands before the first value. */
  readonly headLength: number;
  readonly values: readonly { readonly kind: ScalarKind; readonly text: number; readonly length: number }[];
}

/**
 * The form of an item that has been read; undefined if none can be told from it, or the next one begins otherwise.
 *
 * @param item - where it begins.
 * @param next - where the next one does.
 */
function formOf(view: DataView, read: readonly Value[], item: number, next: number): Form | undefined {
  const free = read.filter(({ field }) => field.wanted === undefined);
  const [first] = free;
  if (first === undefined || read.some(({ field }) => field.kind === LIST)) {
    return undefined;
  }
  const headLength = first.start - item;
  const values = free.map(({ field, end }, index) => ({
    kind: field.kind as ScalarKind,
    text: end,
    length: (free[index + 1]?.start ?? next + headLength) - end,
  }));
  return isSame(view, next, item, headLength) ? { headLength, values } : undefined;
}

/** @returns the position of the first item, from that at `at` on, that is not written in the form, or is the last. */
function afterAlike(view: DataView, at: number, { headLength, values }: Form): number {
  for (let next = at + headLength; ; ) {
    const item = next - headLength;
    for (let index = 0; index < values.length; index += 1) {
      const { kind, text, length } = values[index] as Form['values'][number];
      next = endOfScalar(view, next, kind);
      if (next === NOT_PLAIN || !isSame(view, next, text, length)) {
        return item;
      }
      next += length;
    }
  }
}

/**
 * @param values - takes what it holds.
 * @returns the position behind the object that begins at `at`.
 */
function skimObject(
  view: DataView,
  at: number,
  plan: Plan,
  found: Record<string, unknown>,
  values?: Value[],
): number {
  if (view.getUint8(at) !== OPEN_OBJECT) {
    return NOT_PLAIN;
  }
  let next = afterSpace(view, at + 1);
  if (view.getUint8(next) === CLOSE_OBJECT) {
    return next + 1;
  }
  for (let seen = 0; ; next = afterSpace(view, next + 1)) {
    const endOfName = endOfString(view, next);
    const field = endOfName === NOT_PLAIN ? undefined : fieldNamed(view, next + 1, endOfName - 1, plan);
    if (field === undefined || (seen & field.bit) !== 0) {
      return NOT_PLAIN;
    }
    seen |= field.bit;
    next = afterSpace(view, endOfName);
    if (view.getUint8(next) !== COLON) {
      return NOT_PLAIN;
    }
    const start = afterSpace(view, next + 1);
    const end = skimValue(view, start, field, found);
    if (end === NOT_PLAIN) {
      return NOT_PLAIN;
    }
    values?.push({ field, start, end });
    next = afterSpace(view, end);
    const code = view.getUint8(next);
    if (code !== COMMA) {
      return code === CLOSE_OBJECT ? next + 1 : NOT_PLAIN;
    }
  }
}

/** @returns the position behind the list of objects that begins at `at`. */
function skimList(view: DataView, at: number, plan: Plan, items: unknown[] | undefined): number {
  if (view.getUint8(at) !== OPEN_LIST) {
    return NOT_PLAIN;
  }
  let item = afterSpace(view, at + 1);
  if (view.getUint8(item) === CLOSE_LIST) {
    return item + 1;
  }
  for (let unlike = 0; ; unlike += 1) {
    const found = items === undefined ? NO_ITEM : {};
    // Where none has been like the one before for a while, it is only tried now and then.
    const values: Value[] | undefined = unlike < MOST_UNLIKE || unlike % NOW_AND_THEN === 0 ? [] : undefined;
    const end = skimObject(view, item, plan, found, values);
    if (end === NOT_PLAIN) {
      return NOT_PLAIN;
    }
    // Of items that have nothing that is wanted one is enough: the list is not empty.
    if (items !== undefined && (items.length === 0 || Object.keys(found).length > 0)) {
      items.push(found);
    }
    const next = afterSpace(view, end);
    const code = view.getUint8(next);
    if (code !== COMMA) {
      return code === CLOSE_LIST ? next + 1 : NOT_PLAIN;
    }
    const following = afterSpace(view, next + 1);
    const form = values === undefined ? undefined : formOf(view, values, item, following);
    item = form === undefined ? following : afterAlike(view, following, form);
    if (item !== following) {
      unlike = 0;
    }
  }
}

function skimValue(view: DataView, at: number, field: Sought, found: Record<string, unknown>): number {
  if (field.wanted === 'items') {
    const items: unknown[] = [];
    found[field.name] = items;
    return skimList(view, at, field.item, items);
  }
  const end = endOfValue(view, at, field);
  if (end !== NOT_PLAIN && field.wanted === 'whole') {
    found[field.name] = JSON.parse(textOf(view, at, end));
  }
  return end;
}

function endOfValue(view: DataView, at: number, { kind, item }: Sought): number {
  return kind === LIST ? skimList(view, at, item, undefined) : endOfScalar(view, at, kind);
}

function endOfScalar(view: DataView, at: number, kind: ScalarKind): number {
  switch (kind) {
    case STRING:
      return endOfString(view, at);
    case DOUBLE:
      return endOfDouble(view, at);
    case INT64:
      return endOfInteger(view, at);
  }
}

function fieldNamed(view: DataView, start: number, end: number, plan: Plan): Sought | undefined {
  let field = plan[end - start];
  while (field !== undefined && !isNamed(view, start, field.letters)) {
    field = field.other;
  }
  return field;
}

function isNamed(view: DataView, start: number, letters: Uint8Array): boolean {
  for (let index = 0; index < letters.length; index += 1) {
    if (view.getUint8(start + index) !== letters[index]) {
      return false;
    }
  }
  return true;
}
