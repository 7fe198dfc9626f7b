/** A field of a row, and how two rows are compared by it. */
interface OrderField {
  readonly field: string;
  readonly as: 'text' | 'number';
}

type Sorted = readonly [key: string, direction: 'ASC' | 'DESC'];

/** How one of MLflow's searches sorts its rows. */
export interface SearchOrder {
  /** What `order_by` may name. */
  readonly keys: Readonly<Record<string, OrderField>>;
  /** Where the request names nothing. */
  readonly byDefault: readonly Sorted[];
  /** What decides between rows that are equal in what the request names. */
  readonly ties: readonly Sorted[];
}

const NAME: OrderField = { field: 'name', as: 'text' };
const number = (field: string): OrderField => ({ field, as: 'number' });

/** `SqlAlchemyStore.search_experiments` of 2.15.1 to 3.17.2. */
export const EXPERIMENT_ORDER: SearchOrder = {
  keys: {
    name: NAME,
    experiment_id: number('experiment_id'),
    creation_time: number('creation_time'),
    last_update_time: number('last_update_time'),
  },
  byDefault: [
    ['creation_time', 'DESC'],
    ['experiment_id', 'ASC'],
  ],
  ties: [['experiment_id', 'DESC']],
};

/** `SqlAlchemyStore.search_registered_models`. */
export const MODEL_ORDER: SearchOrder = {
  keys: {
    name: NAME,
    timestamp: number('last_updated_timestamp'),
    last_updated_timestamp: number('last_updated_timestamp'),
  },
  byDefault: [['name', 'ASC']],
  ties: [['name', 'ASC']],
};

/** `SqlAlchemyStore.search_model_versions`. */
export const VERSION_ORDER: SearchOrder = {
  keys: {
    name: NAME,
    version_number: number('version'),
    creation_timestamp: number('creation_timestamp'),
    last_updated_timestamp: number('last_updated_timestamp'),
  },
  byDefault: [
    ['last_updated_timestamp', 'DESC'],
    ['name', 'ASC'],
    ['version_number', 'DESC'],
  ],
  ties: [
    ['name', 'ASC'],
    ['version_number', 'DESC'],
  ],
};

type Row = Readonly<Record<string, unknown>>;

/** `name`, `creation_time DESC`: what nearly every client writes; there are longer ways to say the same. */
const CLAUSE = /^ *(\w+)(?: +(asc|desc))? *$/i;

/**
 * Compares rows as a search would order them: text by code points, as SQLite does; a database with another
 * collation may differ in names. Rows without a number come before those that have one.
 *
 * @param orderBy - the request's `order_by`.
 * @returns undefined for an order that is not known here, or that MLflow may refuse.
 */
export function comparatorOf(
  { keys, byDefault, ties }: SearchOrder,
  orderBy: readonly unknown[],
): ((a: Row, b: Row) => number) | undefined {
  const named: Sorted[] = [];
  for (const clause of orderBy) {
    const [, key = '', direction = 'asc'] = (typeof clause === 'string' && CLAUSE.exec(clause)) || [];
    if (!Object.hasOwn(keys, key)) {
      return undefined;
    }
    named.push([key, direction.toLowerCase() === 'asc' ? 'ASC' : 'DESC']);
  }
  const sorted = named.length === 0 ? byDefault : [...named, ...ties];
  const comparisons = sorted.flatMap(([key, direction]) => {
    const by = keys[key];
    return by === undefined ? [] : [comparison(by, direction)];
  });
  return (a, b) => {
    for (const compare of comparisons) {
      const difference = compare(a, b);
      if (difference !== 0) {
        return difference;
      }
    }
    return 0;
  };
}

function comparison({ field, as }: OrderField, direction: 'ASC' | 'DESC') {
  const sign = direction === 'ASC' ? 1 : -1;
  return (a: Row, b: Row): number =>
    sign * (as === 'text' ? byCodePoint(a[field], b[field]) : byNumber(a[field], b[field]));
}

function byCodePoint(a: unknown, b: unknown): number {
  return Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));
}

function byNumber(a: unknown, b: unknown): number {
  const [first, second] = [toNumber(a), toNumber(b)];
  return first === second ? 0 : first < second ? -1 : 1;
}

/** Ids have more digits than a double holds. */
function toNumber(value: unknown): bigint | number {
  const text = value === undefined ? '' : JSON.stringify(value).replaceAll('"', '');
  return /^-?\d+$/.test(text) ? BigInt(text) : Number.NEGATIVE_INFINITY;
}
