import { type Field, isOf, type Shape } from './fields.ts';

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
 *   that have none of them, one is there.
 */
export type Skim = (bytes: Buffer, version: string | undefined) => Record<string, unknown> | undefined;

/** A body: its bytes, and the same to look at several of them at once. */
interface Text {
  readonly bytes: Buffer;
  readonly view: DataView;
}

/** One field as it is looked for. */
interface Sought {
  readonly name: string;
  readonly letters: Uint8Array;
  /** Its own of 31, to tell a field that is there twice. */
  readonly bit: number;
  readonly kind: 'string' | 'double' | 'int64' | 'list';
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
    const found: Record<string, unknown> = {};
    const text = { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
    const end = skimObject(text, afterSpace(bytes, 0), plan, found);
    return end !== NOT_PLAIN && afterSpace(bytes, end) === bytes.length ? found : undefined;
  };
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
    return { ...common, kind: 'list', item, wanted: typeof asked === 'object' ? 'items' : asked };
  }
  if (list || type.kind !== 'scalar' || typeof asked === 'object') {
    return undefined;
  }
  const { scalar } = type;
  return scalar === 'string' || scalar === 'double' || scalar === 'int64'
    ? { ...common, kind: scalar, item: [], wanted: asked }
    : undefined;
}

const NOTHING: Wanted = new Map();
/** What is found of an item of which nothing is wanted. */
const NO_ITEM: Record<string, unknown> = Object.freeze({});

/** Answered in place of a position. */
const NOT_PLAIN = -1;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const COLON = 0x3a;
const ZERO = 0x30;
const NINE = 0x39;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;

/** Digits of an integer that a double holds exactly, whatever they are. */
const EXACT_DIGITS = 15;
/** Characters of a number, and digits of its exponent, that cannot overflow a double. */
const LONGEST_NUMBER = 40;
const EXPONENT_DIGITS = 2;

/** A piece of an item of a list: what stands before a value, and of what kind that is; none follows the last piece. */
interface Piece {
  readonly start: number;
  readonly length: number;
  readonly value: Sought | undefined;
}

/**
 * How an item is written of which nothing is wanted. Most are written as the one before them: they are known by what
 * stands between their values, four bytes at a time, for half of what it takes to read it.
 */
type Form = readonly Piece[];

/** No item is written like this. */
const NO_FORM: Form = [];

/** The form of an item that has been read; none if it has a value that cannot be told without being read. */
function formOf(pieces: Form): Form {
  const isPlain = pieces.every(
    ({ value }) => value === undefined || (value.kind !== 'list' && value.wanted === undefined),
  );
  return isPlain ? pieces : NO_FORM;
}

/** @returns the position behind the item that begins at `at`, if it is written in the form. */
function skimAlike(text: Text, at: number, form: Form): number {
  let next = form.length === 0 ? NOT_PLAIN : at;
  for (let index = 0; next !== NOT_PLAIN && index < form.length; index += 1) {
    const piece = form[index] as Piece;
    if (!isSame(text, next, piece.start, piece.length)) {
      return NOT_PLAIN;
    }
    next += piece.length;
    next = piece.value === undefined ? next : endOfValue(text, next, piece.value);
  }
  return next;
}

/** Whether the bytes from one position on are those from another on. */
function isSame({ bytes, view }: Text, one: number, other: number, length: number): boolean {
  if (one + length > bytes.length) {
    return false;
  }
  let index = 0;
  for (; index + 4 <= length; index += 4) {
    if (view.getInt32(one + index) !== view.getInt32(other + index)) {
      return false;
    }
  }
  for (; index < length; index += 1) {
    if (bytes[one + index] !== bytes[other + index]) {
      return false;
    }
  }
  return true;
}

/**
 * @param pieces - takes how it is written.
 * @returns the position behind the object that begins at `at`.
 */
function skimObject(
  text: Text,
  at: number,
  plan: Plan,
  found: Record<string, unknown>,
  pieces?: Piece[],
): number {
  const { bytes } = text;
  if (bytes[at] !== OPEN_OBJECT) {
    return NOT_PLAIN;
  }
  let start = at;
  let next = afterSpace(bytes, at + 1);
  if (bytes[next] === CLOSE_OBJECT) {
    return next + 1;
  }
  for (let seen = 0; ; next = afterSpace(bytes, next + 1)) {
    const end = endOfString(bytes, next);
    const field = end === NOT_PLAIN ? undefined : fieldNamed(bytes, next + 1, end - 1, plan);
    if (field === undefined || (seen & field.bit) !== 0) {
      return NOT_PLAIN;
    }
    seen |= field.bit;
    next = afterSpace(bytes, end);
    if (bytes[next] !== COLON) {
      return NOT_PLAIN;
    }
    next = afterSpace(bytes, next + 1);
    pieces?.push({ start, length: next - start, value: field });
    next = skimValue(text, next, field, found);
    if (next === NOT_PLAIN) {
      return NOT_PLAIN;
    }
    start = next;
    next = afterSpace(bytes, next);
    const code = bytes[next];
    if (code !== COMMA) {
      pieces?.push({ start, length: next + 1 - start, value: undefined });
      return code === CLOSE_OBJECT ? next + 1 : NOT_PLAIN;
    }
  }
}

/** @returns the position behind the list of objects that begins at `at`. */
function skimList(text: Text, at: number, plan: Plan, items: unknown[] | undefined): number {
  const { bytes } = text;
  if (bytes[at] !== OPEN_LIST) {
    return NOT_PLAIN;
  }
  let next = afterSpace(bytes, at + 1);
  if (bytes[next] === CLOSE_LIST) {
    return next + 1;
  }
  for (let form = NO_FORM; ; next = afterSpace(bytes, next + 1)) {
    let end = skimAlike(text, next, form);
    if (end === NOT_PLAIN) {
      const found = items === undefined ? NO_ITEM : {};
      const pieces: Piece[] = [];
      end = skimObject(text, next, plan, found, pieces);
      form = formOf(pieces);
      // Of items that have nothing that is wanted one is enough: the list is not empty.
      if (items !== undefined && (form === NO_FORM || items.length === 0)) {
        items.push(found);
      }
    }
    if (end === NOT_PLAIN) {
      return NOT_PLAIN;
    }
    next = afterSpace(bytes, end);
    const code = bytes[next];
    if (code !== COMMA) {
      return code === CLOSE_LIST ? next + 1 : NOT_PLAIN;
    }
  }
}

function skimValue(text: Text, at: number, field: Sought, found: Record<string, unknown>): number {
  if (field.wanted === 'items') {
    const items: unknown[] = [];
    found[field.name] = items;
    return skimList(text, at, field.item, items);
  }
  const end = endOfValue(text, at, field);
  if (end !== NOT_PLAIN && field.wanted === 'whole') {
    found[field.name] = JSON.parse(text.bytes.toString('latin1', at, end));
  }
  return end;
}

function endOfValue(text: Text, at: number, { kind, item }: Sought): number {
  const { bytes } = text;
  switch (kind) {
    case 'string':
      return endOfString(bytes, at);
    case 'double':
      return endOfDouble(bytes, at);
    case 'int64':
      return endOfInteger(bytes, at, EXACT_DIGITS);
    case 'list':
      return skimList(text, at, item, undefined);
  }
}

function fieldNamed(bytes: Buffer, start: number, end: number, plan: Plan): Sought | undefined {
  let field = plan[end - start];
  while (field !== undefined && !isNamed(bytes, start, field.letters)) {
    field = field.other;
  }
  return field;
}

function isNamed(bytes: Buffer, start: number, letters: Uint8Array): boolean {
  for (let index = 0; index < letters.length; index += 1) {
    if (bytes[start + index] !== letters[index]) {
      return false;
    }
  }
  return true;
}

/** The position of what follows blanks, tabs and line ends (RFC 8259, section 2). */
function afterSpace(bytes: Buffer, at: number): number {
  let next = at;
  while (isSpace(bytes[next])) {
    next += 1;
  }
  return next;
}

function isSpace(code = 0): boolean {
  return code <= 0x20 && (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09);
}

/** Behind the quote that closes a string of printable ASCII without escapes. */
function endOfString(bytes: Buffer, at: number): number {
  if (bytes[at] !== QUOTE) {
    return NOT_PLAIN;
  }
  for (let next = at + 1; next < bytes.length; next += 1) {
    const code = bytes[next] ?? 0;
    if (code === QUOTE) {
      return next + 1;
    }
    if (code < 0x20 || code > 0x7e || code === BACKSLASH) {
      return NOT_PLAIN;
    }
  }
  return NOT_PLAIN;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

/** Behind the digits from `at` on; `at` itself if there are none. */
function afterDigits(bytes: Buffer, at: number): number {
  let next = at;
  while (isDigit(bytes[next] ?? 0)) {
    next += 1;
  }
  return next;
}

/** Behind an integer as RFC 8259 has it: a zero stands first in none but zero. */
function endOfInteger(bytes: Buffer, at: number, mostDigits: number): number {
  const start = bytes[at] === MINUS ? at + 1 : at;
  const end = afterDigits(bytes, start);
  const digits = end - start;
  const isPlain = digits > 0 && digits <= mostDigits && (digits === 1 || bytes[start] !== ZERO);
  return isPlain ? end : NOT_PLAIN;
}

function endOfDouble(bytes: Buffer, at: number): number {
  let end = endOfInteger(bytes, at, LONGEST_NUMBER);
  if (end !== NOT_PLAIN && bytes[end] === DOT) {
    const fraction = afterDigits(bytes, end + 1);
    end = fraction === end + 1 ? NOT_PLAIN : fraction;
  }
  if (end !== NOT_PLAIN && ((bytes[end] ?? 0) | 0x20) === 0x65) {
    const sign = bytes[end + 1];
    const start = sign === MINUS || sign === PLUS ? end + 2 : end + 1;
    const exponent = afterDigits(bytes, start);
    end = exponent === start || exponent - start > EXPONENT_DIGITS ? NOT_PLAIN : exponent;
  }
  return end - at <= LONGEST_NUMBER ? end : NOT_PLAIN;
}
