import { useState } from 'react';
import { ask } from '../../api/client.ts';
import { CopyBlock } from '../../parts/copy.tsx';
import { CloseButton, DialogButton } from '../../parts/dialog.tsx';
import { Field, Tick } from '../../parts/fields.tsx';
import { Form } from '../../parts/form.tsx';
import { T } from '../../texts.ts';
import { makePassword } from './passwords.ts';

/** Makes a user with a first password, or a service account. */
export function CreateUser() {
  return (
    <DialogButton button={T.users.create} title={T.users.create}>
      {(close) => <Creating close={close} />}
    </DialogButton>
  );
}

function Creating({ close }: { readonly close: () => void }) {
  const [username, setUsername] = useState('');
  const [isService, setIsService] = useState(false);
  const [password] = useState(makePassword);
  const [isMade, setIsMade] = useState(false);
  if (isMade) {
    return (
      <>
        <p role="status">{T.users.made(username)}</p>
        {isService ? null : <FirstPassword password={password} />}
        <CloseButton close={close} />
      </>
    );
  }
  const act = () =>
    ask('users.create', {
      username,
      ...(isService ? { is_service: true } : { password, must_change_password: true }),
    });
  return (
    <Form act={act} done={() => setIsMade(true)} submit={T.users.submit} cancel={close}>
      <Field label={T.users.name} value={username} onChange={setUsername} isRequired />
      <Tick label={T.users.isService} isTicked={isService} onChange={setIsService} />
    </Form>
  );
}

/** A password that its user has to change. */
export function FirstPassword({ password }: { readonly password: string }) {
  return (
    <>
      <p>{T.users.generated}</p>
      <CopyBlock title={T.users.password} text={password} />
    </>
  );
}
