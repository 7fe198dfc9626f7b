import type { ReactNode } from 'react';
import { useMe } from '../../api/queries.ts';
import { Answered } from '../../parts/answered.tsx';
import { Page } from '../../parts/page.tsx';
import { T } from '../../texts.ts';

/** A page for admins: to others it says so, and asks nothing that they would be refused. */
export function AdminPage({
  title,
  lead,
  children,
}: {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly children: ReactNode;
}) {
  const me = useMe();
  return (
    <Page title={title} lead={lead}>
      <Answered query={me}>
        {({ user }) => (user.is_admin && !user.must_change_password ? children : <p>{T.adminsOnly}</p>)}
      </Answered>
    </Page>
  );
}
