import { useState } from 'react';
import type { Answer } from '../../../admin/contract/index.ts';
import { ask } from '../../api/client.ts';
import { Choice, Field } from '../../parts/fields.tsx';
import { Form } from '../../parts/form.tsx';
import { kindText, LEVEL_NAMES, T } from '../../texts.ts';

const KINDS = ['experiment', 'registered_model', 'run', 'gateway_endpoint', 'mcp_server', 'skill'] as const;

/** What a user may do to one thing, and why, by the code that decides about requests. */
export function Explain({ username }: { readonly username: string }) {
  const [kind, setKind] = useState<(typeof KINDS)[number]>('experiment');
  const [id, setId] = useState('');
  const [told, setTold] = useState<Answer<'permissions.explain'>>();
  const act = () => ask('permissions.explain', { username, resource_type: kind, resource_id: id });
  return (
    <>
      <Form act={act} done={setTold} submit={T.users.ask}>
        <Choice
          label={T.users.whyKind}
          value={kind}
          options={KINDS.map((each) => [each, kindText(each)] as const)}
          onChange={setKind}
        />
        <Field label={T.users.whyId} value={id} onChange={setId} isRequired />
      </Form>
      <p role="status">
        {told === undefined ? '' : T.share.youMay(LEVEL_NAMES[told.permission], told.because)}
      </p>
    </>
  );
}
