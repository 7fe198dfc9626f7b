import { useState } from 'react';
import type { Answer } from '../../../admin/contract/index.ts';
import { ask } from '../../api/client.ts';
import { useList } from '../../api/queries.ts';
import { Answered } from '../../parts/answered.tsx';
import { DialogButton } from '../../parts/dialog.tsx';
import { Field } from '../../parts/fields.tsx';
import { Form } from '../../parts/form.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Part } from '../../parts/page.tsx';
import { useSay } from '../../parts/say.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { LEVEL_NAMES, T, thingText } from '../../texts.ts';
import { AdminPage } from './admins.tsx';

type Refusal = Answer<'permissions.report'>['refusals'][number];
type Needed = Refusal & { readonly need: NonNullable<Refusal['need']> };

interface Filters {
  readonly username?: string;
  readonly since?: string;
}

/** What would be refused, were permissions enforced, and the grants that would allow it. */
export function Report() {
  return (
    <AdminPage title={T.report.title} lead={T.report.lead}>
      <Found />
    </AdminPage>
  );
}

function Found() {
  const [filters, setFilters] = useState<Filters>({});
  const { query, more } = useList('permissions.report', filters);
  return (
    <>
      <Search apply={setFilters} />
      <Answered query={query}>
        {(pages) => {
          const [first] = pages;
          const byUser = [
            ...Map.groupBy(
              pages.flatMap(({ refusals }) => refusals),
              ({ username }) => username,
            ),
          ];
          return (
            <>
              {first?.enforcement === 'enforce' ? <p>{T.report.enforced}</p> : null}
              {first?.read_since === undefined ? null : (
                <p>
                  {T.report.readSince} <Moment at={first.read_since} />
                </p>
              )}
              {byUser.length === 0 ? <p>{T.report.none}</p> : null}
              {byUser.map(([username, refusals], at) => (
                <OfUser
                  key={username}
                  username={username}
                  refusals={refusals}
                  more={at === byUser.length - 1 ? more : undefined}
                />
              ))}
            </>
          );
        }}
      </Answered>
    </>
  );
}

function Search({ apply }: { readonly apply: (filters: Filters) => void }) {
  const [username, setUsername] = useState('');
  const [since, setSince] = useState('');
  const act = async () =>
    apply({
      ...(username.trim() !== '' && { username: username.trim() }),
      ...(since !== '' && { since: String(new Date(since).getTime()) }),
    });
  return (
    <search aria-label={T.audit.filters}>
      <Form act={act} submit={T.report.apply}>
        <div className="filters">
          <Field label={T.report.find} type="search" value={username} onChange={setUsername} />
          <Field label={T.report.since} type="datetime-local" value={since} onChange={setSince} />
        </div>
      </Form>
    </search>
  );
}

function OfUser({
  username,
  refusals,
  more,
}: {
  readonly username: string;
  readonly refusals: readonly Refusal[];
  readonly more: (() => void) | undefined;
}) {
  const grantable = refusals.filter(isGrantable);
  return (
    <Part title={username}>
      {grantable.length > 1 ? <Give button={T.report.giveAll(username)} refusals={grantable} /> : null}
      <Table
        caption={T.report.caption(username)}
        rows={refusals}
        keyOf={({ need, because }) => JSON.stringify(need ?? because)}
        empty={T.report.none}
        more={more}
        columns={COLUMNS}
      />
    </Part>
  );
}

const isGrantable = (refusal: Refusal): refusal is Needed =>
  refusal.advice === 'grant' && refusal.need !== null;

const COLUMNS: readonly Column<Refusal>[] = [
  {
    head: T.report.lacks,
    cell: ({ need, because }) =>
      need === null ? because : T.report.need(LEVEL_NAMES[need.permission], whatOf(need)),
  },
  { head: T.report.requests, cell: ({ requests }) => requests },
  { head: T.report.last, cell: ({ last_at: at }) => <Moment at={at} /> },
  { head: T.audit.what, cell: ({ operations }) => operations.join(', ') },
  { head: T.report.advice, cell: (refusal) => adviceText(refusal) },
  {
    head: T.actions,
    cell: (refusal) =>
      isGrantable(refusal) ? (
        <Give
          button={T.report.give}
          label={T.report.giveOn(
            LEVEL_NAMES[refusal.need.permission],
            whatOf(refusal.need),
            refusal.username,
          )}
          refusals={[refusal]}
        />
      ) : null,
  },
];

const whatOf = (on: { readonly resource_type: string; readonly resource_id: string }): string =>
  thingText(on.resource_type, on.resource_id);

function adviceText({ advice, need, refused_by: by }: Refusal): string {
  if (advice === 'gone') {
    return T.report.gone;
  }
  if (by !== null) {
    const whose = by.role === null ? T.report.theUser : T.report.theRole(by.role);
    return T.report.refusedBy(whose, LEVEL_NAMES[by.permission], whatOf(by));
  }
  return need === null ? T.report.noGrant : T.report.grant(LEVEL_NAMES[need.permission]);
}

/** Gives one user what is missing, once it is confirmed. */
function Give({
  button,
  label,
  refusals,
}: {
  readonly button: string;
  readonly label?: string;
  readonly refusals: readonly Needed[];
}) {
  const say = useSay();
  const username = refusals[0]?.username ?? '';
  const act = async () => {
    for (const each of refusals) {
      await give(each);
    }
    say(T.report.given(username));
  };
  return (
    <DialogButton
      button={button}
      title={T.report.giveTitle(username)}
      {...(label !== undefined && { label })}
    >
      {(close) => (
        <Form act={act} done={close} cancel={close} submit={T.report.give}>
          <p>{T.report.changes}</p>
          <ul>
            {refusals.map((each) => (
              <li key={JSON.stringify(each.need)}>{changeText(each)}</li>
            ))}
          </ul>
        </Form>
      )}
    </DialogButton>
  );
}

const changeText = ({ need, holds }: Needed): string =>
  T.report.change(
    whatOf(need),
    holds === null ? T.report.asBefore : LEVEL_NAMES[holds],
    LEVEL_NAMES[need.permission],
  );

async function give({ username, need, replaces }: Needed): Promise<void> {
  const on = { username, resource_type: need.resource_type, resource_id: need.resource_id };
  if (replaces !== null) {
    await ask('userPermissions.revoke', on);
  }
  await ask('userPermissions.grant', { ...on, permission: need.permission });
}
