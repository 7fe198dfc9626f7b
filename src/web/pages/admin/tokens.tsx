import { useState } from 'react';
import { useList } from '../../api/queries.ts';
import { Answered } from '../../parts/answered.tsx';
import { Field } from '../../parts/fields.tsx';
import { Form } from '../../parts/form.tsx';
import { TokenTable } from '../../parts/tokens/table.tsx';
import { T } from '../../texts.ts';
import { AdminPage } from './admins.tsx';

/** The tokens of all users, or of one. */
export function Tokens() {
  return (
    <AdminPage title={T.tokens.all} lead={T.tokens.allLead}>
      <Found />
    </AdminPage>
  );
}

function Found() {
  const [typed, setTyped] = useState('');
  const [username, setUsername] = useState('');
  const { query, more } = useList('tokens.list', username === '' ? {} : { username });
  return (
    <>
      <Form act={async () => setUsername(typed.trim())} submit={T.audit.apply}>
        <Field label={T.tokens.owner} type="search" value={typed} onChange={setTyped} />
      </Form>
      <Answered query={query}>
        {(pages) => <TokenTable tokens={pages.flatMap(({ tokens }) => tokens)} more={more} hasOwner />}
      </Answered>
    </>
  );
}
