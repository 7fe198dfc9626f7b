import { useState } from 'react';
import { Choice } from '../../parts/fields.tsx';
import { Form } from '../../parts/form.tsx';
import { Part } from '../../parts/page.tsx';
import { useSay } from '../../parts/say.tsx';
import { LEVELS, T } from '../../texts.ts';
import { ChooseGrantees } from './choose.tsx';
import { useRoles } from './roles.tsx';
import { GIVEN, type Given, type Grantee, give, type Thing } from './thing.ts';

interface Giving {
  readonly thing: Thing;
  /** Who looks at the page. */
  readonly username: string;
  readonly isAdmin: boolean;
}

/** Gives access to several users and roles at once. */
export function Give({ thing, username, isAdmin }: Giving) {
  const [chosen, setChosen] = useState<readonly Grantee[]>([]);
  const [level, setLevel] = useState<Given>('READ');
  const roles = useRoles({ username, isAdmin });
  const say = useSay();

  async function act() {
    if (chosen.length === 0) {
      throw new Error(T.share.none);
    }
    const outcomes = await Promise.allSettled(
      chosen.map((each) => give(thing, each, level, isAdmin ? roles : undefined)),
    );
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
          label={isAdmin || roles.length > 0 ? T.share.who : T.share.whoUsers}
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
