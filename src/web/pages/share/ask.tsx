import { useState } from 'react';
import { ask, DEFAULT_WORKSPACE, workspaceOf } from '../../api/client.ts';
import { useAsk } from '../../api/queries.ts';
import { Answered } from '../../parts/answered.tsx';
import { Choice, LongField } from '../../parts/fields.tsx';
import { Form } from '../../parts/form.tsx';
import { Part } from '../../parts/page.tsx';
import { useSay } from '../../parts/say.tsx';
import { LEVEL_NAMES, T } from '../../texts.ts';
import { LONGEST_MESSAGE } from '../requests/answer.tsx';
import { Withdraw } from '../requests/own.tsx';
import type { Thing } from './thing.ts';

/** As many as a user may be allowed to have open: one of them may be about the thing. */
const ALL_OPEN = '1000';

interface Asking {
  readonly thing: Thing;
  /** Whether there is only more than that to ask for. */
  readonly canRead: boolean;
}

/** Asks whoever manages the thing for access, or shows what was asked. */
export function AskForAccess({ thing, canRead }: Asking) {
  const own = useAsk('accessRequests.listOwn', { max_results: ALL_OPEN });
  const isAboutIt = (each: { workspace: string; resource_type: string; resource_id: string }) =>
    each.workspace === (workspaceOf() ?? DEFAULT_WORKSPACE) &&
    each.resource_type === thing.kind &&
    each.resource_id === thing.id;
  return (
    <Part title={T.requests.ask}>
      <Answered query={own}>
        {({ access_requests: requests }) => {
          const open = requests.find((each) => each.state === 'open' && isAboutIt(each));
          return open === undefined ? (
            <AskForm thing={thing} canRead={canRead} />
          ) : (
            <>
              <p>{T.requests.asked(LEVEL_NAMES[open.permission])}</p>
              <Withdraw request={open} />
            </>
          );
        }}
      </Answered>
    </Part>
  );
}

const LEVELS_ASKED = ['READ', 'EDIT'] as const;
type AskedLevel = (typeof LEVELS_ASKED)[number];

function AskForm({ thing, canRead }: Asking) {
  const [level, setLevel] = useState<AskedLevel>(canRead ? 'EDIT' : 'READ');
  const [message, setMessage] = useState('');
  const say = useSay();
  const act = () =>
    ask('accessRequests.create', {
      resource_type: thing.kind,
      resource_id: thing.id,
      permission: level,
      ...(message !== '' && { message }),
    });
  return (
    <Form act={act} done={() => say(T.requests.sent)} submit={T.requests.submit}>
      <p>{T.requests.askLead}</p>
      <Choice
        label={T.requests.want}
        value={level}
        options={LEVELS_ASKED.filter((each) => !(canRead && each === 'READ')).map(
          (each) => [each, T.requests.wants[each]] as const,
        )}
        onChange={setLevel}
      />
      <LongField
        label={T.requests.message}
        help={T.requests.messageHelp}
        value={message}
        onChange={setMessage}
        longest={LONGEST_MESSAGE}
      />
    </Form>
  );
}
