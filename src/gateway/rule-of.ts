import type { Operation } from '../mlflow/match.ts';
import type { Rule } from '../mlflow/row.ts';

export type RuleOf<Name extends Rule['rule']> = Extract<Rule, { rule: Name }>;

/** The first rule of a row with this name. */
export function ruleOf<Name extends Rule['rule']>(
  operation: Operation,
  name: Name,
): RuleOf<Name> | undefined {
  return operation.rules.find((rule): rule is RuleOf<Name> => rule.rule === name);
}
