import type { FastifyRequest } from 'fastify';
import type { SignedIn } from '../identity/principal.ts';
import type { Rule } from '../mlflow/row.ts';
import { decideOnKind } from '../policy/decide.ts';
import type { Store } from '../store/index.ts';
import { Answered } from './answered.ts';
import type { Judge } from './authorize.ts';
import { grantable } from './grantable.ts';
import { type JobParts, job, serverKeys } from './job.ts';
import { type McpVersionParts, mcpVersion } from './mcp-version.ts';
import { modelCalls } from './model-calls.ts';
import { otlp } from './otlp.ts';
import { ownKey } from './own-key.ts';
import { type ReviewQueueParts, reviewQueue } from './review-queue.ts';
import { holderViewer, roleAdmin, roleViewer } from './role-scope.ts';
import { usageExperiment } from './usage-experiment.ts';

type SpecialName = Extract<Rule, { rule: 'special' }>['name'];

/**
 * Judges a request in a way that a row cannot say as data.
 *
 * @throws ApiError to refuse; Answered to reply in another way than by forwarding.
 */
export type Special = (request: FastifyRequest, caller: SignedIn) => Promise<void>;
export type Specials = Readonly<Record<SpecialName, Special>>;

export interface SpecialParts extends JobParts, McpVersionParts, ReviewQueueParts {
  readonly store: Store;
  /** Bytes of a body that is read, unpacked. */
  readonly maxJsonBodyBytes: number;
}

export function createSpecials(parts: SpecialParts): Specials {
  return {
    graphql: graphql(parts.judge),
    otlp: otlp(parts.judge, parts.maxJsonBodyBytes),
    'review-queue': reviewQueue(parts),
    job: job(parts),
    'mcp-version': mcpVersion(parts),
    'server-keys': serverKeys(parts.judge),
    'own-key': ownKey(parts.judge, parts.upstream),
    'model-calls': modelCalls(parts.judge),
    'usage-experiment': usageExperiment(parts.judge, parts.upstream),
    grantable: grantable(parts.judge),
    'role-admin': roleAdmin(parts.store),
    'role-viewer': roleViewer(parts.store),
    'holder-viewer': holderViewer(parts.store),
  };
}

const SHOWN_BY_GRAPHQL = ['run'] as const;
const SHOWN_WITH_VERSIONS = [...SHOWN_BY_GRAPHQL, 'registered_model_version', 'prompt_version'] as const;

/** Everything that any root field of the chosen operation touches must be readable; a refusal is MLflow's own 200 with nulls. */
function graphql(judge: Judge): Special {
  return async (request, caller) => {
    // Loaded when it is first needed: it is a sixth of what the gateway holds at rest.
    const { planGraphql } = await import('../mlflow/graphql/plan.ts');
    const plan = planGraphql(request.way.body);
    // Which kinds of things a document shows is not looked into further: whoever is denied one of them gets none.
    const shown = plan.filters ? SHOWN_WITH_VERSIONS : SHOWN_BY_GRAPHQL;
    const denied = shown.map((kind) => decideOnKind(caller, kind)).find(({ allow }) => !allow);
    if (denied !== undefined) throw new Answered(plan.refusal(), denied.because);
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
