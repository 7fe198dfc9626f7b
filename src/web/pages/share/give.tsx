import { useState } from 'react';
import { DEFAULT_WORKSPACE, workspaceOf } from '../../api/client.ts';
import { useAsk } from '../../api/queries.ts';
import { Choice } from '../../parts/fields.tsx';
import { Form } from '../../parts/form.tsx';
import { Part } from '../../parts/page.tsx';
import { useSay } from '../../parts/say.tsx';
import { LEVELS, T } from '../../texts.ts';
import { ChooseGrantees } from './choose.tsx';
import { GIVEN, type Given, type Grantee, give, type Thing } from './thing.ts';

/** Gives access to several users and roles at once. */
export function Give({ thing, isAdmin }: { readonly thing: Thing; readonly isAdmin: boolean }) {
  const [chosen, setChosen] = useState<readonly Grantee[]>([]);
  const [level, setLevel] = useState<Given>('READ');
  const { data } = useAsk('roles.list', {}, { enabled: isAdmin });
  // A role grants in its own workspace. A negative id is a user's own grants, which look like a role.
  const workspace = workspaceOf() ?? DEFAULT_WORKSPACE;
  const roles = (data?.roles ?? []).filter((role) => role.id > 0 && role.workspace === workspace);
  const say = useSay();

  async function act() {
    if (chosen.length === 0) {
      throw new Error(T.share.none);
    }
    const outcomes = await Promise.allSettled(chosen.map((each) => give(thing, each, level, roles)));
    const failed = chosen.filter((_, at) => outcomes[at]?.status === 'rejected');
    const given = chosen.filter((each) => !failed.includes(each));
    if (given.length > 0) {
      say(T.share.given(given.map(({ name }) => name).join(', ')));
    }
    // Those who were refused stay chosen, to be tried again.
    setChosen(failed);
    const problems = outcomes.flatMap((outcome, at) =>
      outcome.status === 'rejected' ? [`${chosen[at]?.name}: ${messageOf(outcome.reason)}`] : [],
    );
    if (problems.length > 0) {
      throw new Error(T.share.notGiven(problems.join(' ')));
    }
  }

  return (
    <Part title={T.share.give}>
      <Form act={act} submit={T.share.submit}>
        <ChooseGrantees
          label={isAdmin ? T.share.who : T.share.whoUsers}
          roles={roles}
          chosen={chosen}
          choose={setChosen}
        />
        <Choice
          label={T.share.level}
          value={level}
          options={GIVEN.map((each) => [each, LEVELS[each]] as const)}
          onChange={setLevel}
        />
      </Form>
    </Part>
  );
}

const messageOf = (reason: unknown): string => (reason instanceof Error ? reason.message : String(reason));
