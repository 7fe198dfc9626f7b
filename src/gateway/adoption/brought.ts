import type { FastifyRequest } from 'fastify';
import { unavailable } from '../../errors.ts';
import type { SignedIn } from '../../identity/principal.ts';
import { usageExperimentOf } from '../../mlflow/ai-gateway/usage-experiment.ts';
import type { Operation } from '../../mlflow/table/match.ts';
import type { BroughtName } from '../../mlflow/table/row.ts';
import { ruleOf } from '../../mlflow/table/rule-of.ts';
import type { Existence } from '../../mlflow/things/existence.ts';
import type { Answer, Upstream } from '../../mlflow/upstream/upstream.ts';
import type { Intent } from '../../store/types.ts';
import { createFinder } from './find.ts';
import type { TrackOptions } from './track.ts';

/** What MLflow calls an experiment that it may make by itself for a request; undefined if it makes none. */
type NameOf = (upstream: Upstream, body: FastifyRequest['way']['body']) => Promise<string | undefined>;

const NAMES: Readonly<Record<BroughtName, NameOf>> = {
  'usage experiment': usageExperimentOf,
  // `DEMO_EXPERIMENT_NAME` in mlflow/demo/base.py
  demo: async () => 'MLflow Demo',
};

export interface Bringing {
  readonly options: TrackOptions;
  readonly request: FastifyRequest;
  readonly operation: Operation;
  readonly caller: SignedIn;
}

/**
 * Has a request answered; the experiment that MLflow has made by itself for it, and that was not there before, is the
 * caller's. It is looked for by its name: the one that the reply names may be another's, put there by a request beside it.
 */
export async function bringing(asked: Bringing, answer: () => Promise<Answer>): Promise<Answer> {
  const { upstream, adoption } = asked.options;
  const intent = await opened(asked);
  if (intent === undefined) {
    return answer();
  }
  let answered: Answer;
  try {
    answered = await answer();
  } catch (error) {
    await adoption.unheard(intent);
    throw error;
  }
  if (answered.status > FAILED) {
    await adoption.unheard(intent);
  } else if (answered.status >= 300) {
    // MLflow makes the experiment first: it may be there, whatever came of the rest.
    await adoption.failed(intent);
  } else {
    await conclude(intent, upstream, adoption);
  }
  return answered;
}

/** 500 is MLflow's own failure. 502 and up may be a proxy's, while MLflow still works on it. */
const FAILED = 500;

/** The intent of what MLflow may make; undefined if that is there already, or nothing. */
async function opened({ options, request, operation, caller }: Bringing): Promise<Intent | undefined> {
  const { upstream, adoption } = options;
  const rule = ruleOf(operation, 'brings');
  const name = rule && (await NAMES[rule.what](upstream, request.way.body));
  if (name === undefined) {
    return undefined;
  }
  const found = await find(upstream, name);
  if (found === 'unclear') {
    throw unavailable(
      `The MLflow server did not say whether the experiment ${JSON.stringify(name)} is there. Nothing was changed; try again.`,
    );
  }
  return found === 'missing'
    ? adoption.open({ action: 'create', kind: 'experiment', name }, caller.id)
    : undefined;
}

async function conclude(
  intent: Intent,
  upstream: Upstream,
  adoption: TrackOptions['adoption'],
): Promise<void> {
  const found = await find(upstream, intent.name).catch(() => 'unclear' as const);
  switch (found) {
    case 'unclear':
      return adoption.unheard(intent);
    case 'missing':
      return adoption.refused(intent);
    default:
      return adoption.done(intent, found.id);
  }
}

const find = (upstream: Upstream, name: string): Promise<Existence> =>
  createFinder(upstream).find({ kind: 'experiment', by: 'byName', text: name });
