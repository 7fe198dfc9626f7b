import { Readable } from 'node:stream';
import type { z } from 'zod';
import type { ReadingStore } from '../../audit/changing.ts';
import { invalid } from '../../errors.ts';
import type { Reply } from '../../reply.ts';
import type { AuditEntry, AuditFilter } from '../../store/audit/index.ts';
import { type auditFilters, ofAudit } from '../contract/explanations.ts';
import type { Call } from '../handler.ts';
import { csvLines } from './audit-csv.ts';
import { filtersOf } from './parameters.ts';

/** Entries read at once while an export goes on. */
const EXPORT_PAGE = 1000;
/** An entry's id, which is what a page token of a search is made of. */
const ENTRY_ID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** The audit log, for admins. */
export function auditHandlers({ audit }: Pick<ReadingStore, 'audit'>) {
  return {
    async 'audit.search'(call: Call): Promise<Reply> {
      const {
        max_results: size,
        page_token: token,
        ...asked
      } = filtersOf(call, ofAudit['audit.search'].query);
      if (token !== undefined && !ENTRY_ID.test(token)) {
        throw invalid(
          'Invalid page token. Send the one of the last page with the same search, or start again.',
        );
      }
      // One more than is shown tells whether there is a next page.
      const found = await audit.search(filterIn(asked), size + 1, token);
      const entries = found.slice(0, size);
      const last = entries.at(-1);
      return {
        body: {
          entries: entries.map(entryJson),
          ...(found.length > size && last !== undefined && { next_page_token: last.id }),
        },
      };
    },

    async 'audit.export'(call: Call): Promise<Reply> {
      const { format, ...asked } = filtersOf(call, ofAudit['audit.export'].query);
      const lines = format === 'csv' ? csvLines : jsonLines;
      return {
        headers: {
          'content-type': format === 'csv' ? 'text/csv; charset=utf-8' : 'application/jsonl; charset=utf-8',
          'content-disposition': `attachment; filename="audit.${format}"`,
        },
        body: Readable.from(lines(allEntries(filterIn(asked)))),
      };
    },
  };

  /** Every entry of a search, read page by page as the client takes them. */
  async function* allEntries(filter: AuditFilter): AsyncGenerator<AuditEntry> {
    let before: string | undefined;
    do {
      const page = await audit.search(filter, EXPORT_PAGE, before);
      yield* page;
      before = page.length === EXPORT_PAGE ? page.at(-1)?.id : undefined;
    } while (before !== undefined);
  }
}

function filterIn(
  asked: {
    readonly [Name in keyof typeof auditFilters]?: z.infer<(typeof auditFilters)[Name]> | undefined;
  },
): AuditFilter {
  return {
    username: asked.username,
    action: asked.action,
    resourceType: asked.resource_type,
    resourceId: asked.resource_id,
    allowed: asked.allowed === undefined ? undefined : asked.allowed === 'true',
    requestId: asked.request_id,
    since: asked.since,
    until: asked.until,
  };
}

/** An entry as clients get it. */
export function entryJson(entry: AuditEntry) {
  return {
    entry_id: entry.id,
    at: entry.at,
    request_id: entry.requestId,
    username: entry.username,
    credential: entry.credential,
    ip: entry.ip,
    method: entry.method,
    path: entry.path,
    operation: entry.operation,
    action: entry.action,
    resources: entry.resources.map(({ type, id }) => ({ resource_type: type, resource_id: id })),
    allowed: entry.allowed,
    enforced: entry.enforced,
    because: entry.because,
    status: entry.status,
    duration_ms: entry.durationMs,
    ...(entry.change !== null && { change: entry.change }),
  };
}

async function* jsonLines(entries: AsyncIterable<AuditEntry>): AsyncGenerator<string> {
  for await (const entry of entries) {
    yield `${JSON.stringify(entryJson(entry))}\n`;
  }
}
