import { type Kysely, type RawBuilder, type Selectable, type SqlBool, sql } from 'kysely';
import type { Engine } from './engine.ts';
import type { Schema } from './schema.ts';
import type { Write } from './write.ts';

/** What a change made of what was there. Without secrets; `null` for what was not there, or is not any more. */
export interface AuditChange {
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}

/** One thing that was done, tried or refused. Names are those of that moment. */
export interface AuditEntry {
  /** In the order of time, and no other's in any process. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly requestId: string | null;
  /** Of a failed sign-in the name that was tried. */
  readonly username: string | null;
  readonly credential: { readonly kind: string; readonly id: string | null } | null;
  readonly ip: string | null;
  readonly method: string | null;
  readonly path: string | null;
  readonly operation: string | null;
  readonly action: string;
  readonly resources: readonly { readonly type: string; readonly id: string }[];
  readonly allowed: boolean;
  readonly enforced: boolean;
  readonly because: string;
  readonly status: number | null;
  readonly durationMs: number | null;
  readonly change: AuditChange | null;
}

/** What entries are looked for by; what is left out counts for any. */
export interface AuditFilter {
  readonly username?: string | undefined;
  readonly action?: string | undefined;
  readonly resourceType?: string | undefined;
  readonly resourceId?: string | undefined;
  readonly allowed?: boolean | undefined;
  readonly requestId?: string | undefined;
  /** Milliseconds since the epoch, both inclusive. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** The audit log: entries are added and, when they are old, removed; never changed. */
export interface Audit {
  /** Adds entries, all of them or none. */
  add(entries: readonly AuditEntry[]): Promise<void>;
  /**
   * Entries, newest first.
   *
   * @param before - the id of the last entry of the page before.
   */
  search(filter: AuditFilter, limit: number, before?: string): Promise<readonly AuditEntry[]>;
  /** Removes at most `limit` entries that are older than a moment; answers how many. */
  prune(olderThan: number, limit: number): Promise<number>;
}

type AuditEngine = Pick<Engine, 'insertRows' | 'unindexed'>;

export function createAudit(db: Kysely<Schema>, write: Write, engine: AuditEngine): Audit {
  return {
    add: (entries) => write((transaction) => insert(transaction, engine, entries)),

    async search(filter, limit, before) {
      const rows = await searchQuery(db, engine, filter, before).limit(limit).execute();
      if (rows.length === 0) {
        return [];
      }
      const resources = await db
        .selectFrom('audit_resources')
        .selectAll()
        .where(
          'entry_id',
          'in',
          rows.map(({ id }) => id),
        )
        .execute();
      const byEntry = Map.groupBy(resources, ({ entry_id: entryId }) => entryId);
      return rows.map((row) => readEntry(row, byEntry.get(row.id) ?? []));
    },

    prune: (olderThan, limit) =>
      write(async (transaction) => {
        const old = await transaction
          .selectFrom('audit')
          .select('id')
          .where('id', '<', firstIdOf(olderThan))
          .orderBy('id')
          .limit(limit)
          .execute();
        const ids = old.map(({ id }) => id);
        if (ids.length === 0) {
          return 0;
        }
        await transaction.deleteFrom('audit_resources').where('entry_id', 'in', ids).execute();
        await transaction.deleteFrom('audit').where('id', 'in', ids).execute();
        return ids.length;
      }),
  };
}

/** Adds entries within a transaction. */
export async function insert(
  db: Kysely<Schema>,
  { insertRows }: Pick<Engine, 'insertRows'>,
  entries: readonly AuditEntry[],
): Promise<void> {
  const rows = entries.map((entry) => rowOf(COLUMNS, entry));
  const about = entries.flatMap((entry) =>
    entry.resources.map((each) => rowOf(RESOURCE_COLUMNS, entry, each)),
  );
  await insertRows(db, 'audit', Object.keys(COLUMNS), rows);
  await insertRows(db, 'audit_resources', Object.keys(RESOURCE_COLUMNS), about);
}

/**
 * One search, answered in the order of an index that has the rest of what is asked for too. It is the one of what is
 * likely to be rarest: a planner without statistics might take that of an action which most entries have.
 */
function searchQuery(
  db: Kysely<Schema>,
  engine: AuditEngine,
  filter: AuditFilter,
  before: string | undefined,
) {
  const { requestId, resourceType, resourceId } = filter;
  const entries = db.selectFrom('audit').selectAll('audit');
  const isAboutResource = resourceType !== undefined || resourceId !== undefined;
  const found = isAboutResource
    ? entries
        .innerJoin('audit_resources as about', 'about.entry_id', 'audit.id')
        .where(allOf(aboutResource(engine, filter)))
        .where(allOf(conditionsOn('about', engine, filter, false)))
        .where(allOf(within('about.entry_id', filter, before)))
        .orderBy('about.entry_id', 'desc')
    : entries
        .where(allOf(conditionsOn('audit', engine, filter, requestId === undefined)))
        .where(allOf(within('audit.id', filter, before)))
        .orderBy('audit.id', 'desc');
  return requestId === undefined ? found : found.where('audit.request_id', '=', requestId);
}

type Condition = RawBuilder<SqlBool>;

const allOf = (conditions: readonly Condition[]): Condition =>
  conditions.length === 0 ? sql`1 = 1` : sql`${sql.join([...conditions], sql` and `)}`;

/**
 * Who did what, and whether it was allowed.
 *
 * @param isIndexed - whether entries are to be found by the first of them.
 */
function conditionsOn(
  table: 'audit' | 'about',
  engine: AuditEngine,
  filter: AuditFilter,
  isIndexed: boolean,
): readonly Condition[] {
  return rarestFirst(filter).map(([column, value], index) => {
    const named = sql.ref(`${table}.${column}`);
    return sql<SqlBool>`${index === 0 && isIndexed ? named : engine.unindexed(named)} = ${value}`;
  });
}

function rarestFirst({ username, action, allowed }: AuditFilter): readonly (readonly [string, unknown])[] {
  const conditions: readonly (readonly [string, unknown])[] = [
    ['username', username],
    ['allowed', allowed === false ? 0 : undefined],
    ['action', action],
    ['allowed', allowed === true ? 1 : undefined],
  ];
  return conditions.filter(([, value]) => value !== undefined);
}

/** Entries about a resource, or about any of a type, or anything of an id; each once, however many of those it names. */
function aboutResource(engine: AuditEngine, { resourceType, resourceId }: AuditFilter): readonly Condition[] {
  const type = sql.ref('about.resource_type');
  if (resourceId === undefined) {
    return [sql`${type} = ${resourceType}`, isFirst('resource_type', 'resource_id')];
  }
  return [
    sql`${sql.ref('about.resource_id')} = ${resourceId}`,
    resourceType === undefined
      ? isFirst('resource_id', 'resource_type')
      : sql<SqlBool>`${engine.unindexed(type)} = ${resourceType}`,
  ];
}

const isFirst = (same: string, smaller: string): Condition => sql`not exists (
  select 1 from audit_resources as other where other.entry_id = about.entry_id
    and other.${sql.ref(same)} = about.${sql.ref(same)} and other.${sql.ref(smaller)} < about.${sql.ref(smaller)})`;

/** Entries of a time, and of the page after another. */
function within(id: string, { since, until }: AuditFilter, before: string | undefined): readonly Condition[] {
  const named = sql.ref(id);
  return [
    ...(since === undefined ? [] : [sql<SqlBool>`${named} >= ${firstIdOf(since)}`]),
    ...(until === undefined ? [] : [sql<SqlBool>`${named} < ${firstIdOf(until + 1)}`]),
    ...(before === undefined ? [] : [sql<SqlBool>`${named} < ${before}`]),
  ];
}

/**
 * The lowest id that an entry of a moment can have.
 *
 * @see RFC 9562, section 5.7: a UUID of version 7 begins with the milliseconds since the epoch.
 */
export function firstIdOf(at: number): string {
  const hexadecimal = Math.max(0, at).toString(16).padStart(12, '0');
  return `${hexadecimal.slice(0, 8)}-${hexadecimal.slice(8, 12)}`;
}

type AuditRow = Selectable<Schema['audit']>;

type Value = string | number | null;

/** What stands in each column of an entry. */
const COLUMNS = {
  id: ({ id }) => id,
  at: ({ at }) => at,
  request_id: ({ requestId }) => requestId,
  username: ({ username }) => username,
  credential_kind: ({ credential }) => credential?.kind ?? null,
  credential_id: ({ credential }) => credential?.id ?? null,
  ip: ({ ip }) => ip,
  method: ({ method }) => method,
  path: ({ path }) => path,
  operation: ({ operation }) => operation,
  action: ({ action }) => action,
  allowed: ({ allowed }) => Number(allowed),
  enforced: ({ enforced }) => Number(enforced),
  because: ({ because }) => because,
  status: ({ status }) => status,
  duration_ms: ({ durationMs }) => durationMs,
  change: ({ change }) => (change === null ? null : JSON.stringify(change)),
} satisfies Readonly<Record<keyof AuditRow, (entry: AuditEntry) => Value>>;

/** What stands in each column of one thing that an entry is about. */
const RESOURCE_COLUMNS = {
  entry_id: ({ id }) => id,
  resource_type: (_, { type }) => type,
  resource_id: (_, { id }) => id,
  username: ({ username }) => username,
  action: ({ action }) => action,
  allowed: ({ allowed }) => Number(allowed),
} satisfies Readonly<
  Record<
    keyof Schema['audit_resources'],
    (entry: AuditEntry, about: AuditEntry['resources'][number]) => Value
  >
>;

/** The values of a row. */
function rowOf<Written extends readonly unknown[]>(
  columns: Readonly<Record<string, (...written: Written) => Value>>,
  ...written: Written
): readonly Value[] {
  return Object.values(columns).map((read) => plain(read(...written)));
}

/** Text that every database takes: PostgreSQL has none with NUL in it. */
function plain(value: Value): Value {
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\ufffd') : value;
}

function readEntry(
  row: AuditRow,
  resources: readonly { readonly resource_type: string; readonly resource_id: string }[],
): AuditEntry {
  return {
    id: row.id,
    at: Number(row.at),
    requestId: row.request_id,
    username: row.username,
    credential: row.credential_kind === null ? null : { kind: row.credential_kind, id: row.credential_id },
    ip: row.ip,
    method: row.method,
    path: row.path,
    operation: row.operation,
    action: row.action,
    resources: resources.map((each) => ({ type: each.resource_type, id: each.resource_id })),
    allowed: row.allowed === 1,
    enforced: row.enforced === 1,
    because: row.because,
    status: row.status,
    durationMs: row.duration_ms,
    change: row.change === null ? null : (JSON.parse(row.change) as AuditChange),
  };
}
