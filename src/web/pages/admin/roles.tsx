import type { Answer } from '../../../admin/contract/index.ts';
import { isOwnRole } from '../../../policy/own-role.ts';
import { ask } from '../../api/client.ts';
import { useAsk } from '../../api/queries.ts';
import { Answered } from '../../parts/answered.tsx';
import { ConfirmButton, DialogButton } from '../../parts/dialog.tsx';
import { useSay } from '../../parts/say.tsx';
import { Table } from '../../parts/table.tsx';
import { T } from '../../texts.ts';
import { AdminPage } from './admins.tsx';
import { CreateRole } from './create-role.tsx';
import { OneRole } from './role.tsx';

type Role = Answer<'roles.list'>['roles'][number];

/** Named sets of grants, and who has them. */
export function Roles() {
  return (
    <AdminPage title={T.roles.title}>
      <CreateRole />
      <Found />
    </AdminPage>
  );
}

function Found() {
  const roles = useAsk('roles.list', {});
  return (
    <Answered query={roles}>
      {(found) => (
        <Table
          caption={T.roles.caption}
          rows={found.roles.filter((role) => !isOwnRole(role))}
          keyOf={({ id }) => String(id)}
          empty={T.roles.none}
          columns={[
            { head: T.roles.name, cell: ({ name }) => name },
            { head: T.roles.description, cell: ({ description }) => description ?? '' },
            { head: T.roles.grants, cell: ({ permissions }) => permissions.length },
            { head: T.actions, cell: (role) => <Actions role={role} /> },
          ]}
        />
      )}
    </Answered>
  );
}

function Actions({ role }: { readonly role: Role }) {
  const { id, name } = role;
  const say = useSay();
  return (
    <div className="buttons">
      <DialogButton button={T.roles.open} label={T.roles.openOf(name)} title={name}>
        {(close) => <OneRole role={role} close={close} />}
      </DialogButton>
      <ConfirmButton
        button={T.roles.delete}
        label={T.roles.deleteOf(name)}
        title={T.roles.deleteTitle(name)}
        loses={<p>{T.roles.deleteLoses}</p>}
        act={() => ask('roles.delete', { role_id: id }).then(() => say(T.roles.deleted(name)))}
      />
    </div>
  );
}
