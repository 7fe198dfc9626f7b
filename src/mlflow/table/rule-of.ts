import type { Operation } from './match.ts';
import type { Rule } from './row.ts';

export type RuleOf<Name extends Rule['rule']> = Extract<Rule, { rule: Name }>;

/** The first rule of a row with this name. */
export function ruleOf<Name extends Rule['rule']>(
  operation: Operation,
  name: Name,
): RuleOf<Name> | undefined {
  return operation.rules.find((rule): rule is RuleOf<Name> => rule.rule === name);
}
