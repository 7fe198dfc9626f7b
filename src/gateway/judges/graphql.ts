import { decideOnKind } from '../../policy/decide.ts';
import type { Judge } from '../judge/judge.ts';
import type { Reference } from '../reference.ts';
import type { Special } from './special.ts';

const SHOWN_BY_GRAPHQL = ['run'] as const;
const SHOWN_WITH_VERSIONS = [...SHOWN_BY_GRAPHQL, 'registered_model_version', 'prompt_version'] as const;

/** Everything that any root field of the chosen operation touches must be readable; a refusal is MLflow's own 200 with nulls. */
export function graphql(judge: Judge): Special {
  return async (request, caller) => {
    // Loaded when it is first needed: it is a sixth of what the gateway holds at rest.
    const { planGraphql } = await import('../../mlflow/graphql/plan.ts');
    const plan = planGraphql(request.way.body);
    // Which kinds of things a document shows is not looked into further: whoever is denied one of them gets none.
    const shown = plan.filters ? SHOWN_WITH_VERSIONS : SHOWN_BY_GRAPHQL;
    const denied = shown.map((kind) => decideOnKind(caller, kind)).find(({ allow }) => !allow);
    if (denied !== undefined) {
      return { body: plan.refusal(), because: denied.because };
    }
    const references = plan.references.map((reference): Reference => ({ ...reference, action: 'read' }));
    const judgements = await Promise.all(references.map((reference) => judge.on(caller, reference)));
    request.way.judged = references.flatMap((reference, index) => {
      const judgement = judgements[index];
      return judgement === undefined ? [] : [{ ...judgement, reference }];
    });
    const refused = judgements.find(({ allow }) => !allow);
    if (refused !== undefined) {
      return { body: plan.refusal(), because: refused.because };
    }
    if (!plan.filters) {
      return undefined;
    }
    request.way.rewrite = (reply) =>
      plan.keep(reply, (name) => judge.onRoot(caller, 'read', { kind: 'registered_model', id: name }).allow);
    return undefined;
  };
}
