import { useCallback, useMemo, useState } from 'react';
import { Button } from 'react-aria-components';
import { addressOf } from '../../api/client.ts';
import { useList } from '../../api/queries.ts';
import { Answered, Failure } from '../../parts/answered.tsx';
import { Moment } from '../../parts/moment.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { T, thingText } from '../../texts.ts';
import { AdminPage } from './admins.tsx';
import { AuditFilters, type Filters } from './audit-filters.tsx';
import { type Entry, inOrder, useIdle, useLive, useSeldom } from './audit-live.ts';

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
      <Entries key={JSON.stringify(filters)} filters={filters} />
    </>
  );
}

/** Entries, and those that come while the page is open. */
function Entries({ filters }: { readonly filters: Filters }) {
  const { query, more } = useList('audit.search', filters);
  const known = useMemo(() => query.data?.flatMap(({ entries }) => entries), [query.data]);
  const [state, setState] = useState<'live' | 'paused' | 'idle'>('live');
  // Nothing new is of the past.
  const canBeLive = filters.until === undefined;
  const isLive = canBeLive && state === 'live';
  const { fresh, error } = useLive(filters, known, isLive);
  const left = useCallback(() => setState('idle'), []);
  useIdle(isLive, left);
  return (
    <Answered query={query}>
      {() => (
        <>
          {canBeLive ? (
            <Following
              state={state}
              count={fresh.length}
              toggle={() => setState(isLive ? 'paused' : 'live')}
            />
          ) : null}
          {isLive && error !== null ? <Failure error={error} /> : null}
          <Table
            caption={T.audit.caption}
            rows={inOrder([...fresh, ...(known ?? [])])}
            keyOf={({ entry_id: id }) => id}
            empty={T.audit.none}
            more={more}
            columns={COLUMNS}
          />
        </>
      )}
    </Answered>
  );
}

/** Whether new entries show by themselves, and how many have. */
function Following({
  state,
  count,
  toggle,
}: {
  readonly state: 'live' | 'paused' | 'idle';
  readonly count: number;
  readonly toggle: () => void;
}) {
  const told = useSeldom(count);
  return (
    <div className="buttons">
      <Button onPress={toggle}>{state === 'live' ? T.audit.pause : T.audit.resume}</Button>
      <span role="status">
        {T.audit.follows[state]}
        {told === 0 ? '' : ` ${T.audit.fresh(told)}`}
      </span>
    </div>
  );
}

const COLUMNS: readonly Column<Entry>[] = [
  { head: T.audit.at, cell: ({ at }) => <Moment at={at} /> },
  { head: T.audit.who, cell: (entry) => whoText(entry) },
  { head: T.audit.what, cell: ({ operation, action }) => operation ?? action },
  { head: T.audit.on, cell: (entry) => onText(entry) },
  { head: T.audit.outcome, cell: ({ allowed }) => (allowed ? T.audit.yes : T.audit.no) },
  { head: T.audit.why, cell: ({ because }) => because },
];

const whoText = ({ username, credential, ip }: Entry): string =>
  [
    username ?? T.audit.nobody,
    ...(credential === null ? [] : [credential.kind]),
    ...(ip === null ? [] : [ip]),
  ].join(', ');

const onText = ({ resources }: Entry): string =>
  resources.map(({ resource_type: kind, resource_id: id }) => thingText(kind, id)).join(', ');
