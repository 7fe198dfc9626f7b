import type { FastifyRequest } from 'fastify';
import type { SignedIn } from '../../identity/principal.ts';
import type { SpecialName, SpecialQuestions, SpecialRule } from '../../mlflow/table/row.ts';
import type { Reply } from '../../reply.ts';

/**
 * Judges a request in a way that a row cannot say as data.
 *
 * @param asks - what the row asks.
 * @returns an answer to give in place of the upstream's; undefined to let the request pass.
 * @throws ApiError to refuse.
 */
export type Special<Asks = undefined> = (
  request: FastifyRequest,
  caller: SignedIn,
  asks: Asks,
) => Promise<Reply | undefined>;

/** Every judge, under the name that rows have for it. */
export type Specials = { readonly [Name in SpecialName]: Special<SpecialQuestions[Name]> };

/** Asks the judge of a rule what the rule asks. */
export function askSpecial(
  specials: Specials,
  rule: SpecialRule,
  request: FastifyRequest,
  caller: SignedIn,
): Promise<Reply | undefined> {
  // The compiler cannot see that a judge and a question found under one name belong together.
  const ask = specials[rule.name] as Special<SpecialRule['asks']>;
  return ask(request, caller, rule.asks);
}
