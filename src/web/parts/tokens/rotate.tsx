import { useState } from 'react';
import type { Answer } from '../../../admin/contract/index.ts';
import { ask } from '../../api/client.ts';
import { T } from '../../texts.ts';
import { DialogButton } from '../dialog.tsx';
import { Form } from '../form.tsx';
import { ShownSecret } from './secret.tsx';

type Token = Answer<'tokens.list'>['tokens'][number];

/** Gives a token a new secret, and shows it once. */
export function RotateToken({ token }: { readonly token: Token }) {
  const { token_id: id, name, username } = token;
  const label = T.tokens.rotateOf(name);
  return (
    <DialogButton button={T.tokens.rotate} label={label} title={T.tokens.rotateTitle(name)} isDanger>
      {(close) => <Rotating id={id} username={username} close={close} />}
    </DialogButton>
  );
}

interface Rotated {
  readonly id: string;
  readonly username: string;
  readonly close: () => void;
}

function Rotating({ id, username, close }: Rotated) {
  const [secret, setSecret] = useState<string>();
  return secret === undefined ? (
    <Form
      act={() => ask('tokens.rotate', { token_id: id })}
      done={(made) => setSecret(made.secret)}
      submit={T.tokens.rotate}
      cancel={close}
      isDanger
    >
      <p>{T.tokens.rotateLoses}</p>
    </Form>
  ) : (
    <ShownSecret username={username} secret={secret} close={close} />
  );
}
