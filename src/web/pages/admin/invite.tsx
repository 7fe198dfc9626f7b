import { type ReactNode, useState } from 'react';
import type { Answer } from '../../../admin/contract/index.ts';
import { isOwnRole } from '../../../policy/own-role.ts';
import { ask } from '../../api/client.ts';
import { useAsk } from '../../api/queries.ts';
import { Answered } from '../../parts/answered.tsx';
import { CopyBlock } from '../../parts/copy.tsx';
import { CloseButton, DialogButton } from '../../parts/dialog.tsx';
import { Field, Tick } from '../../parts/fields.tsx';
import { Form } from '../../parts/form.tsx';
import { Moment } from '../../parts/moment.tsx';
import { T } from '../../texts.ts';

/** Makes a user without a password, and the link by which they choose one. */
export function Invite() {
  return (
    <DialogButton button={T.invitations.invite} title={T.invitations.invite}>
      {(close) => <Inviting close={close} />}
    </DialogButton>
  );
}

/** Makes a link by which a user chooses another password. */
export function ResetByLink({ username }: { readonly username: string }) {
  return (
    <DialogButton button={T.invitations.reset} title={T.invitations.resetTitle(username)}>
      {(close) => (
        <Linking act={() => ask('invitations.resetPassword', { username })} close={close}>
          <p>{T.invitations.resetLoses}</p>
        </Linking>
      )}
    </DialogButton>
  );
}

function Inviting({ close }: { readonly close: () => void }) {
  const [username, setUsername] = useState('');
  const [isAdmin, setIsAdmin] = useState(false);
  const [roles, setRoles] = useState<readonly number[]>([]);
  const act = () => ask('invitations.create', { username, is_admin: isAdmin, role_ids: [...roles] });
  return (
    <Linking act={act} close={close}>
      <Field label={T.users.name} value={username} onChange={setUsername} isRequired />
      <Tick label={T.invitations.isAdmin} isTicked={isAdmin} onChange={setIsAdmin} />
      <ChooseRoles chosen={roles} choose={setRoles} />
    </Linking>
  );
}

interface Choosing {
  readonly chosen: readonly number[];
  readonly choose: (ids: readonly number[]) => void;
}

function ChooseRoles({ chosen, choose }: Choosing) {
  const found = useAsk('roles.list', {});
  return (
    <Answered query={found}>
      {({ roles }) => {
        const some = roles.filter((role) => !isOwnRole(role));
        return some.length === 0 ? null : (
          <fieldset className="roles">
            <legend>{T.invitations.roles}</legend>
            {some.map(({ id, name }) => (
              <Tick
                key={id}
                label={name}
                isTicked={chosen.includes(id)}
                onChange={(isTicked) =>
                  choose(isTicked ? [...chosen, id] : chosen.filter((each) => each !== id))
                }
              />
            ))}
          </fieldset>
        );
      }}
    </Answered>
  );
}

type Made = Answer<'invitations.create'>;

/** Asks for what a link is to be made of, and shows it once. */
function Linking({
  act,
  close,
  children,
}: {
  readonly act: () => Promise<Made>;
  readonly close: () => void;
  readonly children: ReactNode;
}) {
  const [made, setMade] = useState<Made>();
  if (made === undefined) {
    return (
      <Form act={act} done={setMade} submit={T.invitations.submit} cancel={close}>
        {children}
      </Form>
    );
  }
  const { invitation, link } = made;
  return (
    <>
      <p role="status">{T.invitations.once}</p>
      <CopyBlock title={T.invitations.link(invitation.username)} text={link} />
      <p>
        {T.invitations.until} <Moment at={invitation.expires_at} />.
      </p>
      <CloseButton close={close} />
    </>
  );
}
