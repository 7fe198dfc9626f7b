import { useState } from 'react';
import type { Answer } from '../../../admin/contract/index.ts';
import { addressOf } from '../../api/client.ts';
import { useList } from '../../api/queries.ts';
import { Answered } from '../../parts/answered.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Table } from '../../parts/table.tsx';
import { T, thingText } from '../../texts.ts';
import { AdminPage } from './admins.tsx';
import { AuditFilters, type Filters } from './audit-filters.tsx';

type Entry = Answer<'audit.search'>['entries'][number];

/** Who did what, when, and what was refused. */
export function AuditLog() {
  return (
    <AdminPage title={T.audit.title}>
      <Found />
    </AdminPage>
  );
}

function Found() {
  const [filters, setFilters] = useState<Filters>({});
  const { query, more } = useList('audit.search', filters);
  return (
    <>
      <AuditFilters apply={setFilters} />
      <div className="buttons">
        <a href={addressOf('audit.export', { ...filters, format: 'csv' })} download>
          {T.audit.csv}
        </a>
        <a href={addressOf('audit.export', { ...filters, format: 'jsonl' })} download>
          {T.audit.jsonl}
        </a>
      </div>
      <Answered query={query}>
        {(pages) => (
          <Table
            caption={T.audit.caption}
            rows={pages.flatMap(({ entries }) => entries)}
            keyOf={({ entry_id: id }) => id}
            empty={T.audit.none}
            more={more}
            columns={[
              { head: T.audit.at, cell: ({ at }) => <Moment at={at} /> },
              { head: T.audit.who, cell: whoText },
              { head: T.audit.what, cell: ({ operation, action }) => operation ?? action },
              { head: T.audit.on, cell: onText },
              { head: T.audit.outcome, cell: ({ allowed }) => (allowed ? T.audit.yes : T.audit.no) },
              { head: T.audit.why, cell: ({ because }) => because },
            ]}
          />
        )}
      </Answered>
    </>
  );
}

const whoText = ({ username, credential, ip }: Entry): string =>
  [
    username ?? T.audit.nobody,
    ...(credential === null ? [] : [credential.kind]),
    ...(ip === null ? [] : [ip]),
  ].join(', ');

const onText = ({ resources }: Entry): string =>
  resources.map(({ resource_type: kind, resource_id: id }) => thingText(kind, id)).join(', ');
