import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { AuditChange, AuditEntry } from '../audit/entry.ts';
import { addSegments } from '../audit/rows.ts';
import { segmentsOf } from '../audit/segments.ts';
import type { Engine } from '../engine.ts';
import type { Schema } from '../schema.ts';
import { createAuditTables } from './audit.ts';

/** Entries that are read at once: a log may have millions. */
const PAGE = 1000;

/** Takes over the entries of a store from before the first release, which had a row and seven indexes for each. */
export function auditSegments(engine: Engine): Migration {
  return {
    async up(db: Kysely<Schema>) {
      const tables = await db.introspection.getTables();
      if (!tables.filter(engine.isInTheWay).some(({ name }) => name === 'audit')) {
        return;
      }
      await createAuditTables(db, engine);
      let after = '';
      for (;;) {
        const entries = await entriesAfter(db, after);
        if (entries.length === 0) {
          break;
        }
        await addSegments(db, engine, segmentsOf(entries));
        after = entries.at(-1)?.id ?? '';
      }
      await db.schema.dropTable('audit_resources').execute();
      await db.schema.dropTable('audit').execute();
    },
  };
}

/** A row as it was kept. */
interface Row {
  readonly id: string;
  readonly at: number | string;
  readonly request_id: string | null;
  readonly username: string | null;
  readonly credential_kind: string | null;
  readonly credential_id: string | null;
  readonly ip: string | null;
  readonly method: string | null;
  readonly path: string | null;
  readonly operation: string | null;
  readonly action: string;
  readonly allowed: number;
  readonly enforced: number;
  readonly because: string;
  readonly status: number | null;
  readonly duration_ms: number | null;
  readonly change: string | null;
}

async function entriesAfter(db: Kysely<Schema>, id: string): Promise<readonly AuditEntry[]> {
  const { rows } = await sql<Row>`select * from audit where id > ${id} order by id limit ${PAGE}`.execute(db);
  const last = rows.at(-1)?.id ?? id;
  const about = await sql<{ entry_id: string; resource_type: string; resource_id: string }>`
    select entry_id, resource_type, resource_id from audit_resources
    where entry_id > ${id} and entry_id <= ${last}`.execute(db);
  const resources = Map.groupBy(about.rows, ({ entry_id: entryId }) => entryId);
  return rows.map((row) => ({
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
    resources: (resources.get(row.id) ?? []).map((each) => ({
      type: each.resource_type,
      id: each.resource_id,
    })),
    allowed: row.allowed === 1,
    enforced: row.enforced === 1,
    because: row.because,
    status: row.status,
    durationMs: row.duration_ms,
    change: row.change === null ? null : (JSON.parse(row.change) as AuditChange),
  }));
}
