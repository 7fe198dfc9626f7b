import type { SignedIn } from '../../identity/principal.ts';
import type { SpecialQuestions } from '../../mlflow/table/row.ts';
import type { Lineage } from '../../mlflow/things/lineage.ts';
import type { Action } from '../../policy/permissions.ts';
import type { Root } from '../../policy/resources.ts';
import type { Store } from '../../store/index.ts';
import type { Judge } from '../judge/judge.ts';
import { refusal } from '../judge/judge-all.ts';
import type { Judgement } from '../reference.ts';
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
): Promise<Judgement> {
  const owner = await store.owners.get('job', id);
  const roots: readonly Root[] | undefined =
    owner?.experimentId === undefined
      ? await lineage.rootsOf('job', id)
      : [{ kind: 'experiment', id: owner.experimentId }];
  if (roots === undefined) {
    return { allow: false, because: `job ${id} is of no experiment that is known`, roots: [] };
  }
  const decisions = roots.map((root) => judge.onRoot(caller, action, root));
  const [first = { allow: false, because: `job ${id} works on nothing` }] = decisions;
  return { ...(decisions.find(({ allow }) => !allow) ?? first), roots };
}

/** Judges the operations on one job, named by the path. */
export function job(parts: JobParts): Special<SpecialQuestions['job']> {
  return async (request, caller, action) => {
    const id = request.way.params['job_id'] ?? '';
    const decision = await judgeJob(parts, caller, action, id);
    request.way.judged = [{ ...decision, reference: { kind: 'job', id, action } }];
    if (!decision.allow) {
      throw refusal({ kind: 'job', id, action }, decision);
    }
    request.way.because = decision.because;
    return undefined;
  };
}
