import { useState } from 'react';
import { ask } from '../../api/client.ts';
import { Field } from '../../parts/fields.tsx';
import { Form } from '../../parts/form.tsx';
import { Part } from '../../parts/page.tsx';
import { useSay } from '../../parts/say.tsx';
import { T } from '../../texts.ts';

const EMPTY = { current: '', next: '', repeat: '' };

/** A user's own password. */
export function ChangePassword({ username }: { readonly username: string }) {
  const [typed, setTyped] = useState(EMPTY);
  const say = useSay();
  async function act() {
    if (typed.next !== typed.repeat) {
      throw new Error(T.account.differs);
    }
    await ask('users.updatePassword', {
      username,
      password: typed.next,
      current_password: typed.current,
    });
    setTyped(EMPTY);
    say(T.account.changed);
  }
  const fields = [
    ['current', T.account.current, 'current-password'],
    ['next', T.account.next, 'new-password'],
    ['repeat', T.account.repeat, 'new-password'],
  ] as const;
  return (
    <Part title={T.account.password}>
      <Form act={act} submit={T.account.change}>
        {fields.map(([name, label, autoComplete]) => (
          <Field
            key={name}
            label={label}
            type="password"
            autoComplete={autoComplete}
            value={typed[name]}
            onChange={(value) => setTyped({ ...typed, [name]: value })}
            isRequired
          />
        ))}
      </Form>
    </Part>
  );
}

/** In place of a form that could change nothing. */
export function PasswordElsewhere({ providers }: { readonly providers: readonly string[] }) {
  return (
    <Part title={T.account.password}>
      <p>{T.account.elsewhere(providers)}</p>
    </Part>
  );
}
