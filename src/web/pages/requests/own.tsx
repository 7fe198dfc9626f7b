import { Button } from 'react-aria-components';
import type { Answer } from '../../../admin/contract/index.ts';
import { ask, DEFAULT_WORKSPACE } from '../../api/client.ts';
import { useList } from '../../api/queries.ts';
import { Answered, Failure } from '../../parts/answered.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Part } from '../../parts/page.tsx';
import { useSay } from '../../parts/say.tsx';
import { Table } from '../../parts/table.tsx';
import { useAct } from '../../parts/use-act.ts';
import { LEVEL_NAMES, T, thingText } from '../../texts.ts';

type OwnRequest = Answer<'accessRequests.listOwn'>['access_requests'][number];

/** What the caller has asked for, and what was said to it. */
export function OwnRequests() {
  const { query, more } = useList('accessRequests.listOwn', {});
  return (
    <Part title={T.requests.own}>
      <Answered query={query}>
        {(pages) => (
          <Table
            caption={T.requests.ownCaption}
            rows={pages.flatMap((page) => page.access_requests)}
            keyOf={({ access_request_id: id }) => String(id)}
            empty={T.requests.ownNone}
            more={more}
            columns={[
              { head: T.requests.on, cell: subjectText },
              { head: T.requests.level, cell: ({ permission }) => LEVEL_NAMES[permission] },
              { head: T.requests.when, cell: ({ created_at: at }) => <Moment at={at} /> },
              { head: T.requests.state, cell: (request) => <State request={request} /> },
              { head: T.actions, cell: (request) => <Withdraw request={request} /> },
            ]}
          />
        )}
      </Answered>
    </Part>
  );
}

const subjectText = ({ resource_type: kind, resource_id: id, workspace }: OwnRequest): string =>
  workspace === DEFAULT_WORKSPACE
    ? thingText(kind, id)
    : T.requests.inWorkspace(thingText(kind, id), workspace);

function State({ request: { state, granted, answer } }: { readonly request: OwnRequest }) {
  return (
    <>
      {state === 'open'
        ? T.requests.waits
        : granted === null
          ? T.requests.wasDeclined
          : T.requests.wasGranted(LEVEL_NAMES[granted])}
      {answer === null ? null : <div className="message">{answer}</div>}
    </>
  );
}

/** Takes back what has no answer yet. */
export function Withdraw({ request }: { readonly request: OwnRequest }) {
  const say = useSay();
  const { start, isPending, error } = useAct(
    () => ask('accessRequests.withdraw', { access_request_id: request.access_request_id }),
    () => say(T.requests.withdrawn),
  );
  return request.state === 'open' ? (
    <>
      <Button aria-label={T.requests.withdrawOf(subjectText(request))} onPress={start} isPending={isPending}>
        {T.requests.withdraw}
      </Button>
      {error === null ? null : <Failure error={error} />}
    </>
  ) : null;
}
