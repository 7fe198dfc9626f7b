import { Link } from '@tanstack/react-router';
import type { Answer } from '../../../admin/contract/index.ts';
import { useList } from '../../api/queries.ts';
import { Answered } from '../../parts/answered.tsx';
import { DialogButton } from '../../parts/dialog.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Part } from '../../parts/page.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { LEVEL_NAMES, T, thingText } from '../../texts.ts';
import type { Thing } from '../share/thing.ts';
import { AnswerRequest } from './answer.tsx';

export type Request = Answer<'accessRequests.list'>['access_requests'][number];

/** What is asked for on one thing; nothing is said where nobody asks. */
export function RequestsOn({ thing }: { readonly thing: Thing }) {
  const { query, more } = useList('accessRequests.list', {
    resource_type: thing.kind,
    resource_id: thing.id,
  });
  return (
    <Part title={T.requests.open}>
      <Answered query={query}>
        {(pages) => <RequestTable requests={pages.flatMap((page) => page.access_requests)} more={more} />}
      </Answered>
    </Part>
  );
}

/** Who asks for what, and a way to answer each. */
export function RequestTable({
  requests,
  more,
  isOfMany = false,
}: {
  readonly requests: readonly Request[];
  readonly more: (() => void) | undefined;
  /** Whether they are about several things. */
  readonly isOfMany?: boolean;
}) {
  const about: readonly Column<Request>[] = isOfMany
    ? [{ head: T.requests.on, cell: (request) => <ToThing request={request} /> }]
    : [];
  return (
    <Table
      caption={T.requests.openCaption}
      rows={requests}
      keyOf={({ access_request_id: id }) => String(id)}
      empty={T.requests.none}
      more={more}
      columns={[
        { head: T.requests.who, cell: ({ username }) => username },
        ...about,
        { head: T.requests.level, cell: ({ permission }) => LEVEL_NAMES[permission] },
        { head: T.requests.why, cell: ({ message }) => <span className="message">{message}</span> },
        { head: T.requests.when, cell: ({ created_at: at }) => <Moment at={at} /> },
        { head: T.actions, cell: (request) => <Answering request={request} /> },
      ]}
    />
  );
}

export const subjectText = ({ resource_type: kind, resource_name: name }: Request): string =>
  thingText(kind, name);

function ToThing({ request }: { readonly request: Request }) {
  const { resource_type: type, resource_id: id } = request;
  return (
    <Link to="/share/$kind/$id" params={{ kind: type.replaceAll('_', '-'), id }}>
      {subjectText(request)}
    </Link>
  );
}

function Answering({ request }: { readonly request: Request }) {
  return (
    <DialogButton
      button={T.requests.answer}
      label={T.requests.answerOf(request.username, subjectText(request))}
      title={T.requests.answerTitle(request.username)}
    >
      {(close) => <AnswerRequest request={request} close={close} />}
    </DialogButton>
  );
}
