import type { SignedIn } from '../../identity/principal.ts';
import { isObject } from '../../mlflow/read/json.ts';
import { parseLossless } from '../../mlflow/read/lossless.ts';
import type { Operation } from '../../mlflow/table/match.ts';
import type { RuleOf } from '../../mlflow/table/rule-of.ts';
import { hasPromptTag } from '../../mlflow/things/identifiers.ts';
import type { Answer } from '../../mlflow/upstream/upstream.ts';
import { decideOnKind } from '../../policy/decide.ts';
import { versionKind } from '../../policy/resources.ts';
import { withBody } from '../search/search.ts';

type Withhold = RuleOf<'withhold'>;

/** Whether a rule takes anything from this caller; nobody else's reply has to be read for it. */
export function isWithheld({ kind }: Withhold, caller: SignedIn): boolean {
  const kinds = kind === 'registered_model_version' ? [versionKind(true), kind] : [kind];
  return kinds.some((each) => !decideOnKind(caller, each).allow);
}

/** The answer without what its row withholds from the caller. */
export function withheldFrom(answer: Answer, operation: Operation, caller: SignedIn): Answer {
  const rules = operation.rules.filter(
    (rule): rule is Withhold => rule.rule === 'withhold' && isWithheld(rule, caller),
  );
  if (rules.length === 0 || answer.status !== 200) return answer;
  const reply = parseLossless(answer.bytes.toString('utf8'));
  for (const rule of rules) take(reply, rule.at.split('.'), rule, caller);
  return withBody(answer, reply);
}

function take(
  holder: unknown,
  [step = '', ...rest]: readonly string[],
  rule: Withhold,
  caller: SignedIn,
): void {
  if (!isObject(holder)) return;
  if (rest.length === 0) {
    const kind = rule.kind === 'registered_model_version' ? versionKind(hasPromptTag(holder)) : rule.kind;
    if (!decideOnKind(caller, kind).allow) delete holder[step];
    return;
  }
  const inner = holder[step.replace('[]', '')];
  for (const each of Array.isArray(inner) ? inner : [inner]) take(each, rest, rule, caller);
}
