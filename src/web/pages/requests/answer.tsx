import { useState } from 'react';
import { ask, Refusal } from '../../api/client.ts';
import { Choice, LongField } from '../../parts/fields.tsx';
import { Form } from '../../parts/form.tsx';
import { useSay } from '../../parts/say.tsx';
import { LEVEL_NAMES, LEVELS, T, thingText } from '../../texts.ts';
import { GIVEN, type Given } from '../share/thing.ts';
import type { Request } from './table.tsx';

/** Characters of a message, as the API takes it. */
export const LONGEST_MESSAGE = 1000;

/** Grants at a level that whoever manages the thing chooses, or declines. */
export function AnswerRequest({ request, close }: { readonly request: Request; readonly close: () => void }) {
  const { access_request_id: id, username, permission } = request;
  const [decision, setDecision] = useState<Given | 'decline'>(permission === 'READ' ? 'READ' : 'EDIT');
  const [note, setNote] = useState('');
  const say = useSay();
  const act = async () => {
    const isGrant = decision !== 'decline';
    try {
      await ask('accessRequests.answer', {
        access_request_id: id,
        decision: isGrant ? 'grant' : 'decline',
        ...(isGrant && { permission: decision }),
        ...(note !== '' && { message: note }),
      });
      say(isGrant ? T.requests.granted(username, LEVEL_NAMES[decision]) : T.requests.declined(username));
    } catch (error) {
      if (!isAnswered(error)) {
        throw error;
      }
      // Its row goes: who has answered it is told beside the list.
      say(error.message);
    }
  };
  return (
    <Form act={act} done={close} cancel={close} submit={T.requests.send}>
      <p>{`${thingText(request.resource_type, request.resource_name)}: ${LEVEL_NAMES[permission]}`}</p>
      {request.message === '' ? null : <p className="message">{request.message}</p>}
      <Choice
        label={T.requests.decision}
        value={decision}
        options={[
          ...GIVEN.map((each) => [each, LEVELS[each]] as const),
          ['decline', T.requests.decline] as const,
        ]}
        onChange={setDecision}
      />
      <LongField label={T.requests.note} value={note} onChange={setNote} longest={LONGEST_MESSAGE} />
    </Form>
  );
}

const isAnswered = (error: unknown): error is Refusal =>
  error instanceof Refusal && ['RESOURCE_ALREADY_EXISTS', 'RESOURCE_DOES_NOT_EXIST'].includes(error.code);
