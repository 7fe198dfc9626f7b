import type { SignedIn } from '../../identity/principal.ts';
import { isObject } from '../../mlflow/read/json.ts';
import type { RuleOf } from '../../mlflow/table/rule-of.ts';
import { hasPromptTag } from '../../mlflow/things/identifiers.ts';
import { readAnswerExactly, withBody } from '../../mlflow/upstream/answer-json.ts';
import type { Answer } from '../../mlflow/upstream/upstream.ts';
import { decideOnKind } from '../../policy/decide.ts';
import { versionKind } from '../../policy/resources.ts';

type Withhold = RuleOf<'withhold'>;

/** Whether a rule takes anything from this caller; nobody else's reply has to be read for it. */
export function isWithheld({ kind }: Withhold, caller: SignedIn): boolean {
  const kinds = kind === 'registered_model_version' ? [versionKind(true), kind] : [kind];
  return kinds.some((each) => !decideOnKind(caller, each).allow);
}

/** An answer without what a rule withholds from the caller. */
export function withoutWithheld(answer: Answer, rule: Withhold, caller: SignedIn): Answer {
  const reply = readAnswerExactly(answer);
  take(reply, rule.at.split('.'), rule, caller);
  return withBody(answer, reply);
}

function take(
  holder: unknown,
  [step = '', ...rest]: readonly string[],
  rule: Withhold,
  caller: SignedIn,
): void {
  if (!isObject(holder)) {
    return;
  }
  if (rest.length === 0) {
    const kind = rule.kind === 'registered_model_version' ? versionKind(hasPromptTag(holder)) : rule.kind;
    if (!decideOnKind(caller, kind).allow) {
      delete holder[step];
    }
    return;
  }
  const inner = holder[step.replace('[]', '')];
  for (const each of Array.isArray(inner) ? inner : [inner]) {
    take(each, rest, rule, caller);
  }
}
