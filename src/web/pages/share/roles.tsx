import type { Answer } from '../../../admin/contract/index.ts';
import { isOwnRole } from '../../../policy/own-role.ts';
import { ask, DEFAULT_WORKSPACE, workspaceOf } from '../../api/client.ts';
import { useAsk } from '../../api/queries.ts';
import { Answered } from '../../parts/answered.tsx';
import { ConfirmButton } from '../../parts/dialog.tsx';
import { Part } from '../../parts/page.tsx';
import { useSay } from '../../parts/say.tsx';
import { Table } from '../../parts/table.tsx';
import { LEVEL_NAMES, T } from '../../texts.ts';
import { grantOn, type Thing } from './thing.ts';

interface Viewed {
  /** Who looks at the page. */
  readonly username: string;
  readonly isAdmin: boolean;
}

/** The roles that something can be shared with: all for an admin, for others those that they have. */
function useAskRoles({ username, isAdmin }: Viewed) {
  const all = useAsk('roles.list', {}, { enabled: isAdmin });
  const own = useAsk('userRoles.list', { username }, { enabled: !isAdmin });
  return isAdmin ? all : own;
}

/** Those of the workspace of the page: a role grants in its own. */
export function useRoles(viewed: Viewed): readonly Role[] {
  return (useAskRoles(viewed).data?.roles ?? []).filter(isHere);
}

type Role = Answer<'roles.list'>['roles'][number];

const isHere = (role: Role): boolean =>
  !isOwnRole(role) && role.workspace === (workspaceOf() ?? DEFAULT_WORKSPACE);

/** Roles that grant something on just this, as far as the caller may change it. */
export function RolesWithAccess({ thing, ...viewed }: Viewed & { readonly thing: Thing }) {
  const roles = useAskRoles(viewed);
  const say = useSay();
  return (
    <Part title={T.share.roles}>
      {viewed.isAdmin ? null : <p>{T.share.rolesOwn}</p>}
      <Answered query={roles}>
        {(found) => (
          <Table
            caption={T.share.rolesCaption}
            rows={found.roles.filter(isHere).flatMap((role) => {
              const grant = grantOn(thing, role);
              return grant === undefined ? [] : [{ name: role.name, grant }];
            })}
            keyOf={({ grant }) => String(grant.id)}
            empty={T.share.noRoles}
            columns={[
              { head: T.roles.name, cell: ({ name }) => name },
              { head: T.share.permission, cell: ({ grant }) => LEVEL_NAMES[grant.permission] },
              {
                head: T.actions,
                cell: ({ name, grant }) => (
                  <ConfirmButton
                    button={T.share.take}
                    label={T.share.takeFrom(name)}
                    title={T.share.takeTitle(name)}
                    loses={<p>{T.share.takeLoses(name)}</p>}
                    act={() => take(thing, grant, viewed.isAdmin).then(() => say(T.share.taken(name)))}
                  />
                ),
              },
            ]}
          />
        )}
      </Answered>
    </Part>
  );
}

type Grant = Role['permissions'][number];

/** Whoever administers no roles takes what a role of theirs was granted on what they manage. */
function take({ kind, id }: Thing, grant: Grant, isAdmin: boolean): Promise<unknown> {
  return isAdmin
    ? ask('rolePermissions.remove', { role_permission_id: grant.id })
    : ask('roleGrants.revoke', { role_id: grant.role_id, resource_type: kind, resource_id: id });
}
