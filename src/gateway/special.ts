import type { FastifyRequest } from 'fastify';
import { denied } from '../errors.ts';
import type { SignedIn } from '../identity/principal.ts';
import { planGraphql } from '../mlflow/graphql/plan.ts';
import type { Rule } from '../mlflow/row.ts';
import { Answered } from './answered.ts';
import type { Judge } from './authorize.ts';

type SpecialName = Extract<Rule, { rule: 'special' }>['name'];

/**
 * Judges a request in a way that a row cannot say as data.
 *
 * @throws ApiError to refuse; Answered to reply in another way than by forwarding.
 */
export type Special = (request: FastifyRequest, caller: SignedIn) => Promise<void>;
export type Specials = Readonly<Record<SpecialName, Special>>;

export function createSpecials({ judge }: { readonly judge: Judge }): Specials {
  const notYet: Special = async () => {
    throw denied('Only an admin may do this.', 'not judged yet');
  };
  return { graphql: graphql(judge), otlp: notYet, 'review-queue': notYet, job: notYet, grantable: notYet };
}

/** Everything that any root field of the chosen operation touches must be readable; a refusal is MLflow's own 200 with nulls. */
function graphql(judge: Judge): Special {
  return async (request, caller) => {
    const plan = planGraphql(request.way.body);
    const decisions = await Promise.all(
      plan.references.map((reference) => judge.on(caller, { ...reference, action: 'read', fresh: false })),
    );
    const refused = decisions.find(({ allow }) => !allow);
    if (refused !== undefined) throw new Answered(plan.refusal(), refused.because);
    if (!plan.filters) return;
    request.way.rewrite = (reply) =>
      plan.keep(reply, (name) => judge.onRoot(caller, 'read', { kind: 'registered_model', id: name }).allow);
  };
}
