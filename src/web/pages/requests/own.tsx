import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button } from 'react-aria-components';
import type { Answer } from '../../../admin/contract/index.ts';
import { ask, DEFAULT_WORKSPACE } from '../../api/client.ts';
import { useList } from '../../api/queries.ts';
import { Answered, Failure } from '../../parts/answered.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Part } from '../../parts/page.tsx';
import { useSay } from '../../parts/say.tsx';
import { Table } from '../../parts/table.tsx';
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
  const queries = useQueryClient();
  const say = useSay();
  const withdrawing = useMutation({
    mutationFn: () => ask('accessRequests.withdraw', { access_request_id: request.access_request_id }),
    onSuccess: () => say(T.requests.withdrawn),
    onSettled: () => queries.invalidateQueries(),
  });
  return request.state === 'open' ? (
    <>
      <Button
        aria-label={T.requests.withdrawOf(subjectText(request))}
        onPress={() => withdrawing.mutate()}
        isPending={withdrawing.isPending}
      >
        {T.requests.withdraw}
      </Button>
      {withdrawing.error === null ? null : <Failure error={withdrawing.error} />}
    </>
  ) : null;
}
