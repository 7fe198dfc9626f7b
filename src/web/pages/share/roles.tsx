import { ask, DEFAULT_WORKSPACE, workspaceOf } from '../../api/client.ts';
import { useAsk } from '../../api/queries.ts';
import { Answered } from '../../parts/answered.tsx';
import { ConfirmButton } from '../../parts/dialog.tsx';
import { Part } from '../../parts/page.tsx';
import { useSay } from '../../parts/say.tsx';
import { Table } from '../../parts/table.tsx';
import { LEVEL_NAMES, T } from '../../texts.ts';
import { grantOn, type Thing } from './thing.ts';

/** Roles that grant something on just this, for those who may change roles. */
export function RolesWithAccess({ thing }: { readonly thing: Thing }) {
  const roles = useAsk('roles.list', {});
  const say = useSay();
  return (
    <Part title={T.share.roles}>
      <Answered query={roles}>
        {(found) => (
          <Table
            caption={T.share.rolesCaption}
            rows={found.roles.flatMap(({ id, ...role }) => {
              const isHere = id > 0 && role.workspace === (workspaceOf() ?? DEFAULT_WORKSPACE);
              const grant = isHere ? grantOn(thing, { id, ...role }) : undefined;
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
                    act={() =>
                      ask('rolePermissions.remove', { role_permission_id: grant.id }).then(() =>
                        say(T.share.taken(name)),
                      )
                    }
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
