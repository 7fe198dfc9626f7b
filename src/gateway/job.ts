import { denied } from '../errors.ts';
import type { SignedIn } from '../identity/principal.ts';
import type { Lineage } from '../mlflow/lineage.ts';
import type { Decision } from '../policy/decide.ts';
import type { Action } from '../policy/permissions.ts';
import { ALL } from '../policy/resources.ts';
import type { Store } from '../store/index.ts';
import { type Judge, refusal } from './authorize.ts';
import type { Special } from './special.ts';

export interface JobParts {
  readonly judge: Judge;
  readonly lineage: Lineage;
  readonly store: Pick<Store, 'owners'>;
}

/**
 * Decides on a job of MLflow's job runner by the experiment it works on: the one that it was started in as the
 * gateway has noted it, or else the one that its parameters name.
 */
export async function judgeJob(
  { judge, lineage, store }: JobParts,
  caller: SignedIn,
  action: Action,
  id: string,
): Promise<Decision> {
  const owner = await store.owners.get('job', id);
  const roots =
    owner?.experimentId === undefined
      ? await lineage.rootsOf('job', id)
      : [{ kind: 'experiment', id: owner.experimentId } as const];
  if (roots === undefined) return { allow: false, because: `job ${id} is of no experiment that is known` };
  const decisions = roots.map((root) => judge.onRoot(caller, action, root));
  return (
    decisions.find(({ allow }) => !allow) ??
    decisions[0] ?? { allow: false, because: `job ${id} works on nothing` }
  );
}

/** Judges the operations on one job, named by the path. */
export function job(parts: JobParts): Special {
  return async (request, caller) => {
    const id = request.way.params['job_id'] ?? '';
    const action = request.way.operation?.method === 'GET' ? 'read' : 'update';
    const decision = await judgeJob(parts, caller, action, id);
    if (!decision.allow) throw refusal({ kind: 'job', id, action }, decision);
    request.way.because = decision.because;
  };
}

/**
 * Decides on what calls models with the server's own keys, jobs first of all, as whoever may use every endpoint of the
 * AI gateway does. The endpoints that a job calls stand in stored scorers and prompts as well as in the request: none
 * may be refused to the caller.
 */
export function onServerKeys(judge: Judge, caller: SignedIn): Decision {
  const granted = caller.grantsOfKind('gateway_endpoint').map(({ resourcePattern }) => resourcePattern);
  const decisions = [ALL, ...granted].map((id) =>
    judge.onRoot(caller, 'use', { kind: 'gateway_endpoint', id }),
  );
  return decisions.find(({ allow }) => !allow) ?? { allow: true, because: 'may use every endpoint' };
}

/** Judges what calls models with the server's own keys. */
export function serverKeys(judge: Judge): Special {
  return async (_request, caller) => {
    const { allow, because } = onServerKeys(judge, caller);
    if (allow) return;
    throw denied(
      'This runs with the keys of the server: it needs USE on all AI gateway endpoints besides.',
      because,
    );
  };
}
