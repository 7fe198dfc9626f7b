import { useList } from '../../api/queries.ts';
import { Answered } from '../../parts/answered.tsx';
import { Page } from '../../parts/page.tsx';
import { T } from '../../texts.ts';
import { OwnRequests } from './own.tsx';
import { RequestTable } from './table.tsx';

/** What others ask the caller for, and what the caller has asked others for. */
export function Requests() {
  const { query, more } = useList('accessRequests.list', {});
  return (
    <Page title={T.requests.title} lead={T.requests.lead}>
      <Answered query={query}>
        {(pages) => (
          <RequestTable requests={pages.flatMap((page) => page.access_requests)} more={more} isOfMany />
        )}
      </Answered>
      <OwnRequests />
    </Page>
  );
}
