import { useQuery } from '@tanstack/react-query';
import { useNavigate, useRouterState } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import type { Answer } from '../../admin/contract/index.ts';
import { ask, PREFIX } from '../api/client.ts';
import { Answered } from '../parts/answered.tsx';
import { Field } from '../parts/fields.tsx';
import { Form } from '../parts/form.tsx';
import { Page } from '../parts/page.tsx';
import { INVITATION } from '../parts/shell.tsx';
import { T } from '../texts.ts';

/** Where somebody who was given a link chooses a password. */
export function Invitation() {
  const secret = useSecret();
  const [name, setName] = useState<string>();
  if (name !== undefined) {
    return (
      <Page title={T.invitations.welcome}>
        <p role="status">{T.invitations.accepted(name)}</p>
        <p>
          <a href={`${PREFIX}/`}>{T.invitations.go}</a> ·{' '}
          <a href={`${PREFIX}/auth/account`}>{T.account.title}</a>
        </p>
      </Page>
    );
  }
  return (
    <Page title={T.invitations.welcome}>
      {secret === '' ? <p>{T.invitations.incomplete}</p> : <Opened secret={secret} done={setName} />}
    </Page>
  );
}

/** What stood behind the `#` of the link. It is taken out of the address at once: it is not to stay in the browser's history. */
function useSecret(): string {
  const hash = useRouterState({ select: ({ location }) => location.hash });
  const [secret, setSecret] = useState(hash);
  const navigate = useNavigate();
  useEffect(() => {
    if (hash !== '') {
      setSecret(hash);
      void navigate({ to: INVITATION, replace: true });
    }
  }, [hash, navigate]);
  return secret;
}

interface Having {
  readonly secret: string;
  readonly done: (username: string) => void;
}

function Opened({ secret, done }: Having) {
  const opened = useQuery({
    queryKey: ['invitation', secret],
    queryFn: () => ask('invitations.show', { secret }),
    // Asked once: it counts as a try, and what is answered does not change. It ends when the password is set.
    staleTime: 'static',
    retry: false,
  });
  return <Answered query={opened}>{(told) => <Choose secret={secret} done={done} told={told} />}</Answered>;
}

function Choose({ secret, done, told }: Having & { readonly told: Answer<'invitations.show'> }) {
  const [password, setPassword] = useState('');
  const [repeat, setRepeat] = useState('');
  const { username } = told;
  async function act() {
    if (password !== repeat) {
      throw new Error(T.account.differs);
    }
    return ask('invitations.accept', { secret, password });
  }
  return (
    <>
      <p>{T.invitations.opened(username)}</p>
      <Form act={act} done={(accepted) => done(accepted.username)} submit={T.invitations.accept}>
        <Field label={T.invitations.name} value={username} autoComplete="username" isReadOnly />
        <Field
          label={T.account.next}
          help={T.invitations.signsIn}
          type="password"
          autoComplete="new-password"
          value={password}
          onChange={setPassword}
          isRequired
        />
        <Field
          label={T.account.repeat}
          type="password"
          autoComplete="new-password"
          value={repeat}
          onChange={setRepeat}
          isRequired
        />
      </Form>
    </>
  );
}
