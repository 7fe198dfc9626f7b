import type { FastifyRequest } from 'fastify';
import type { SignedIn } from '../../identity/principal.ts';
import type { GraphqlPlan } from '../../mlflow/graphql/plan.ts';
import { parseLossless } from '../../mlflow/read/lossless.ts';
import { decideOnKind } from '../../policy/decide.ts';
import type { Reply } from '../../reply.ts';
import type { Judge } from '../judge/judge.ts';
import { refusal } from '../judge/judge-all.ts';
import type { Judged, Reference } from '../reference.ts';
import { tellingRequestId } from '../request-id.ts';
import type { Special } from './special.ts';

const SHOWN_BY_GRAPHQL = ['run'] as const;
const SHOWN_WITH_VERSIONS = [...SHOWN_BY_GRAPHQL, 'registered_model_version', 'prompt_version'] as const;

/**
 * Judges what the root fields of the chosen operation read. Lists of experiments are cut down to those that may be
 * read; everything else must be readable, or the answer is MLflow's own 200 with nulls.
 */
export function graphql(judge: Judge): Special {
  return async (request, caller) => {
    // Loaded when it is first needed: it is a sixth of what the gateway holds at rest.
    const { planGraphql } = await import('../../mlflow/graphql/plan.ts');
    const plan = planGraphql(request.way.body);
    // Which kinds of things a document shows is not looked into further: a caller who is denied one of them gets none.
    for (const kind of plan.filters ? SHOWN_WITH_VERSIONS : SHOWN_BY_GRAPHQL) {
      const { allow, because } = decideOnKind(caller, kind);
      if (!allow) {
        const message = `Permission denied. Every ${kind.replaceAll('_', ' ')} is denied to you.`;
        return { body: plan.refusal(tellingRequestId(message, request.id)), because };
      }
    }
    return judgePlan(request, caller, plan, judge);
  };
}

async function judgePlan(
  request: FastifyRequest,
  caller: SignedIn,
  plan: GraphqlPlan,
  judge: Judge,
): Promise<Reply | undefined> {
  const { way } = request;
  const judged = await Promise.all(
    plan.references.map(async ({ listed = false, ...named }): Promise<Judged & { listed: boolean }> => {
      const reference: Reference = { ...named, action: 'read' };
      return { ...(await judge.on(caller, reference)), reference, listed };
    }),
  );
  const [refused] = judged.filter(({ allow, listed }) => !allow && !listed);
  // What is left out of a list is not touched.
  way.judged = judged.filter(({ allow, listed }) => allow || !listed);
  if (refused !== undefined) {
    const { message } = refusal(refused.reference, refused);
    return { body: plan.refusal(tellingRequestId(message, request.id)), because: refused.because };
  }
  const hidden = new Set(judged.filter(({ allow }) => !allow).map(({ reference }) => reference.id));
  if (hidden.size > 0) {
    const body = Object(parseLossless(String(way.bytes)));
    way.bytes = Buffer.from(JSON.stringify({ ...body, query: plan.narrowed((id) => !hidden.has(id)) }));
  }
  if (plan.filters) {
    way.rewrite = (reply) =>
      plan.keep(reply, (name) => judge.onRoot(caller, 'read', { kind: 'registered_model', id: name }).allow);
  }
  return undefined;
}
