import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Answer } from '../../../admin/contract/index.ts';
import { ask } from '../../api/client.ts';
import { useAsk } from '../../api/queries.ts';
import { Answered } from '../../parts/answered.tsx';
import { CloseButton, ConfirmButton, DialogButton } from '../../parts/dialog.tsx';
import { Field } from '../../parts/fields.tsx';
import { Form } from '../../parts/form.tsx';
import { useSay } from '../../parts/say.tsx';
import { T, thingText } from '../../texts.ts';
import { FirstPassword } from './create-user.tsx';
import { ResetByLink } from './invite.tsx';
import { makePassword } from './passwords.ts';

type User = Answer<'users.get'>['user'];

/** What an admin can do to a user. */
export function UserActions({ user }: { readonly user: User }) {
  const { username, is_admin: isAdmin, is_active: isActive, is_service: isService } = user;
  const say = useSay();
  const done = () => say(T.users.done);
  return (
    <div className="buttons">
      <ConfirmButton
        button={isAdmin ? T.users.unmakeAdmin : T.users.makeAdmin}
        label={isAdmin ? T.users.unmakeAdmin : T.users.makeAdmin}
        title={isAdmin ? T.users.unmakeAdminTitle(username) : T.users.makeAdminTitle(username)}
        loses={<p>{isAdmin ? T.users.unmakeAdminLoses : T.users.makeAdminLoses}</p>}
        act={() => ask('users.updateAdmin', { username, is_admin: !isAdmin }).then(done)}
      />
      <ConfirmButton
        button={isActive ? T.users.disable : T.users.enable}
        label={isActive ? T.users.disable : T.users.enable}
        title={isActive ? T.users.disableTitle(username) : T.users.enableTitle(username)}
        loses={<p>{isActive ? T.users.disableLoses : T.users.enableLoses}</p>}
        act={() => ask('users.updateStatus', { username, is_active: !isActive }).then(done)}
      />
      {isService ? null : (
        <>
          {isActive ? <ResetByLink username={username} /> : null}
          <ResetPassword username={username} />
        </>
      )}
      <DeleteUser username={username} />
    </div>
  );
}

function ResetPassword({ username }: { readonly username: string }) {
  return (
    <DialogButton button={T.users.reset} title={T.users.resetTitle(username)} isDanger>
      {(close) => <Resetting username={username} close={close} />}
    </DialogButton>
  );
}

interface Deed {
  readonly username: string;
  readonly close: () => void;
}

function Resetting({ username, close }: Deed) {
  const [password] = useState(makePassword);
  const [isSet, setIsSet] = useState(false);
  return isSet ? (
    <>
      <FirstPassword password={password} />
      <CloseButton close={close} />
    </>
  ) : (
    <Form
      act={() => ask('users.updatePassword', { username, password, must_change_password: true })}
      done={() => setIsSet(true)}
      submit={T.users.reset}
      cancel={close}
      isDanger
    >
      <p>{T.users.resetLoses}</p>
    </Form>
  );
}

function DeleteUser({ username }: { readonly username: string }) {
  return (
    <DialogButton button={T.users.remove} title={T.users.removeTitle(username)} isDanger>
      {(close) => <Deleting username={username} close={close} />}
    </DialogButton>
  );
}

/** Says before it deletes what nobody would manage any more. */
function Deleting({ username, close }: Deed) {
  const [to, setTo] = useState('');
  const effects = useAsk('permissions.preview', { change: 'delete_user', username });
  const navigate = useNavigate();
  const say = useSay();
  const act = async () => {
    await ask('users.delete', { username, ...(to !== '' && { give_to: to }) });
    say(T.users.removed(username));
    await navigate({ to: '/admin/users' });
  };
  return (
    <Form act={act} submit={T.users.remove} cancel={close} isDanger>
      <p>{T.users.removeLoses}</p>
      <Answered query={effects}>
        {({ left_without_manager: left = [] }) =>
          left.length === 0 ? null : (
            <>
              <p>{T.users.left}</p>
              <ul>
                {left.map(({ resource_type: kind, resource_id: id }) => (
                  <li key={`${kind} ${id}`}>{thingText(kind, id)}</li>
                ))}
              </ul>
              <Field label={T.users.giveTo} value={to} onChange={setTo} />
            </>
          )
        }
      </Answered>
    </Form>
  );
}
