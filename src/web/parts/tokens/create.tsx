import { useState } from 'react';
import type { Parameters } from '../../../admin/contract/index.ts';
import { ask } from '../../api/client.ts';
import { T } from '../../texts.ts';
import { DialogButton } from '../dialog.tsx';
import { Choice, Field } from '../fields.tsx';
import { Form } from '../form.tsx';
import { ShownSecret } from './secret.tsx';

const DAY_SECONDS = 86_400;
const LIVES = [7, 30, 90, 365] as const;

/** Makes a token of a user, and shows its secret once. */
export function CreateToken({ username }: { readonly username: string }) {
  return (
    <DialogButton button={T.tokens.create} title={T.tokens.createTitle}>
      {(close) => <Creating username={username} close={close} />}
    </DialogButton>
  );
}

interface Creating {
  readonly username: string;
  readonly close: () => void;
}

function Creating({ username, close }: Creating) {
  const [secret, setSecret] = useState<string>();
  return secret === undefined ? (
    <TokenForm username={username} close={close} done={setSecret} />
  ) : (
    <ShownSecret username={username} secret={secret} close={close} />
  );
}

function TokenForm({ username, close, done }: Creating & { readonly done: (secret: string) => void }) {
  const [name, setName] = useState('');
  const [days, setDays] = useState('90');
  const [access, setAccess] = useState<'all' | 'read'>('all');
  const [experiments, setExperiments] = useState('');
  const act = async () =>
    ask('tokens.create', {
      name,
      username,
      expires_in_seconds: Number(days) * DAY_SECONDS,
      scope: scopeOf(access, experiments),
    });
  return (
    <Form act={act} done={(made) => done(made.secret)} submit={T.tokens.submit} cancel={close}>
      <Field label={T.tokens.name} help={T.tokens.nameHelp} value={name} onChange={setName} isRequired />
      <Choice
        label={T.tokens.life}
        value={days}
        options={LIVES.map((each) => [String(each), T.tokens.days(each)] as const)}
        onChange={setDays}
      />
      <Choice
        label={T.tokens.access}
        value={access}
        options={[
          ['all', T.tokens.accessAll],
          ['read', T.tokens.accessRead],
        ]}
        onChange={setAccess}
      />
      <Field
        label={T.tokens.experiments}
        help={T.tokens.experimentsHelp}
        value={experiments}
        onChange={setExperiments}
      />
    </Form>
  );
}

/** @throws Error for what is no list of ids. */
function scopeOf(access: 'all' | 'read', typed: string): Parameters<'tokens.create'>['scope'] {
  const ids = typed.split(/[\s,]+/).filter((each) => each !== '');
  if (ids.some((each) => !/^\d+$/.test(each))) {
    throw new Error(T.tokens.badExperiments);
  }
  const resources = ids.map((id) => ({ resource_type: 'experiment' as const, resource_id: id }));
  return access === 'all' && ids.length === 0
    ? null
    : { ...(access === 'read' && { access }), ...(ids.length > 0 && { resources }) };
}
