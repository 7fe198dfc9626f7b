import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Answer } from '../../../admin/contract/index.ts';
import { isOwnRole } from '../../../policy/own-role.ts';
import { useThingName } from '../../api/queries.ts';
import { Table } from '../../parts/table.tsx';
import { LEVEL_NAMES, T, thingText } from '../../texts.ts';

type Permission = Answer<'userPermissions.list'>['permissions'][number];

/** Rows shown at once: each experiment among them has its name looked up. */
const SHOWN = 25;

/** What a user is granted, by themselves and by roles. */
export function Granted({
  permissions,
  canShare = false,
}: {
  readonly permissions: readonly Permission[];
  /** Whether rows lead to where the thing is shared. */
  readonly canShare?: boolean;
}) {
  const [shown, setShown] = useState(SHOWN);
  return (
    <Table
      caption={T.account.mayCaption}
      rows={permissions.slice(0, shown)}
      keyOf={(each) => `${each.role_id} ${each.resource_type} ${each.resource_pattern}`}
      empty={T.account.nothing}
      more={permissions.length > shown ? () => setShown(shown + SHOWN) : undefined}
      columns={[
        { head: T.account.on, cell: (each) => <Named permission={each} /> },
        { head: T.share.permission, cell: ({ permission }) => LEVEL_NAMES[permission] },
        {
          head: T.account.through,
          cell: ({ role_id: id, role_name: name }) =>
            isOwnRole({ id, name }) ? T.account.own : T.share.byRole(name),
        },
        ...(canShare
          ? [{ head: T.account.share, cell: (each: Permission) => <ToShare permission={each} /> }]
          : []),
      ]}
    />
  );
}

function Named({ permission: { resource_type: kind, resource_pattern: id } }: { permission: Permission }) {
  const name = useThingName(kind, id);
  return name === id ? thingText(kind, id) : `${thingText(kind, name)} (${id})`;
}

function ToShare({ permission: { resource_type: type, resource_pattern: id } }: { permission: Permission }) {
  const kind = type === 'prompt' ? 'registered-model' : type.replaceAll('_', '-');
  return id !== '*' && ['experiment', 'registered-model'].includes(kind) ? (
    <Link to="/share/$kind/$id" params={{ kind, id }} aria-label={T.account.shareOf(thingText(type, id))}>
      {T.account.share}
    </Link>
  ) : null;
}
