import { useState } from 'react';
import { ask, DEFAULT_WORKSPACE, workspaceOf } from '../../api/client.ts';
import { DialogButton } from '../../parts/dialog.tsx';
import { Field } from '../../parts/fields.tsx';
import { Form } from '../../parts/form.tsx';
import { useSay } from '../../parts/say.tsx';
import { T } from '../../texts.ts';

export function CreateRole() {
  return (
    <DialogButton button={T.roles.create} title={T.roles.create}>
      {(close) => <Creating close={close} />}
    </DialogButton>
  );
}

function Creating({ close }: { readonly close: () => void }) {
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const say = useSay();
  const act = () =>
    ask('roles.create', {
      name,
      workspace: workspaceOf() ?? DEFAULT_WORKSPACE,
      ...(description !== '' && { description }),
    });
  const done = () => {
    say(T.roles.made(name));
    close();
  };
  return (
    <Form act={act} done={done} submit={T.roles.submit} cancel={close}>
      <Field label={T.roles.name} value={name} onChange={setName} isRequired />
      <Field label={T.roles.description} value={description} onChange={setDescription} />
    </Form>
  );
}
