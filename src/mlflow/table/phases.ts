import type { Rule } from './row.ts';

/** When and for whom one kind of rule acts. */
export type Phase = OnRequest | OnReply;

/** A rule that acts before the request is forwarded, or in place of that. */
interface OnRequest {
  /** The part of the gateway that carries it out. Each has one table of its rules, which the compiler completes. */
  readonly by: 'read' | 'look' | 'credential' | 'check' | 'judge' | 'prepare' | 'serve';
  /**
   * Whether the request is read even if its caller may do everything. `lenient`: one that cannot be read is forwarded
   * all the same. `strict`: it is refused, as everybody's is.
   */
  readonly request?: 'lenient' | 'strict';
  readonly reply?: undefined;
}

/** A rule that acts on the reply. */
interface OnReply {
  readonly by: 'track' | 'bring' | 'reply' | 'workspace';
  readonly request?: 'lenient' | 'strict';
  /** Whose replies are read whole before any of it is sent: everybody's, or only those of callers who are judged. */
  readonly reply: 'all' | 'judged';
}

/**
 * Every rule with its phase: a new rule compiles once it stands here and in the table of the part that carries it out.
 *
 * A delete or rename that MLflow understood and the gateway did not would leave its grants to whatever gets the name
 * next: an admin's is read strictly.
 */
export const PHASES = {
  'takes-query': { by: 'read' },
  'takes-form': { by: 'read' },
  'takes-upload': { by: 'read' },
  streams: { by: 'read' },
  'takes-bytes': { by: 'read' },
  'takes-any-field': { by: 'read' },
  afresh: { by: 'look' },
  'with-first-password': { by: 'credential' },
  'in-any-scope': { by: 'credential' },
  'admin-only': { by: 'check' },
  'admin-names': { by: 'check' },
  only: { by: 'check' },
  absent: { by: 'check' },
  equal: { by: 'check' },
  keys: { by: 'check' },
  'keys-need': { by: 'check' },
  'unless-denied': { by: 'check' },
  special: { by: 'judge' },
  answer: { by: 'prepare' },
  narrow: { by: 'prepare' },
  stamp: { by: 'prepare', request: 'lenient' },
  adopt: { by: 'track', request: 'lenient', reply: 'all' },
  brings: { by: 'bring', request: 'lenient', reply: 'all' },
  rename: { by: 'track', request: 'strict', reply: 'all' },
  forget: { by: 'track', request: 'strict', reply: 'all' },
  keep: { by: 'reply', reply: 'judged' },
  'judge-reply': { by: 'reply', reply: 'judged' },
  redact: { by: 'reply', reply: 'judged' },
  'link-pages': { by: 'reply', reply: 'all' },
  'allowed-actions': { by: 'reply', reply: 'judged' },
  withhold: { by: 'reply', reply: 'judged' },
  conceal: { by: 'reply', reply: 'judged' },
  learn: { by: 'reply', request: 'lenient', reply: 'all' },
  own: { by: 'reply', request: 'lenient', reply: 'all' },
  'opens-workspace': { by: 'workspace', reply: 'all' },
  'closes-workspace': { by: 'workspace', reply: 'all' },
  serve: { by: 'serve', request: 'strict' },
} as const satisfies Readonly<Record<Rule['rule'], Phase>>;

type Phases = typeof PHASES;

/** The names of the rules that one part of the gateway carries out. */
export type RuleNameBy<Part extends Phase['by']> = {
  [Name in Rule['rule']]: Phases[Name]['by'] extends Part ? Name : never;
}[Rule['rule']];

/** The rules that one part of the gateway carries out. */
export type RuleBy<Part extends Phase['by']> = Extract<Rule, { readonly rule: RuleNameBy<Part> }>;

/** What happens to a rule there: one executor for each of its part's rules. */
export type Executors<Part extends Phase['by'], Args extends readonly unknown[], Result> = {
  readonly [Name in RuleNameBy<Part>]: (rule: Extract<Rule, { rule: Name }>, ...args: Args) => Result;
};

/** The phase of a rule. */
export function phaseOf(rule: Rule): Phase {
  return PHASES[rule.rule];
}

/** Those of some rules that one part of the gateway carries out, in the order of the row. */
export function rulesBy<Part extends Phase['by']>(
  part: Part,
  rules: readonly Rule[],
): readonly RuleBy<Part>[] {
  return rules.filter((rule): rule is RuleBy<Part> => phaseOf(rule).by === part);
}

/** Carries one rule out by its own executor. */
export function carryOut<Part extends Phase['by'], Args extends readonly unknown[], Result>(
  executors: Executors<Part, Args, Result>,
  rule: RuleBy<Part>,
  ...args: Args
): Result {
  // The compiler cannot see that an executor and a rule found under one name belong together.
  const execute = executors[rule.rule as RuleNameBy<Part>] as (rule: RuleBy<Part>, ...args: Args) => Result;
  return execute(rule, ...args);
}
