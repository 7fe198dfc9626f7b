import { invalid } from '../../errors.ts';
import { isObject } from '../../mlflow/read/json.ts';
import type { From } from '../../mlflow/table/row.ts';
import { isCanonical } from '../../mlflow/things/identifiers.ts';
import { names } from '../../mlflow/things/key-names.ts';
import type { Judge } from '../judge/judge.ts';
import { judgeAll } from '../judge/judge-all.ts';
import { valuesAt } from '../locate/locate.ts';
import { readable } from '../locate/readable.ts';
import type { Reference } from '../reference.ts';
import type { Special } from './special.ts';

const SOURCE_RUN = ['mlflow.assessment.sourceRunId'];

/**
 * Judges the run that an assessment says it comes from. MLflow deletes an assessment with that run, wherever the
 * assessment is: the run must lie in the experiment of the trace, so that a delete reaches no other one, and nobody
 * has a run of their own decide about the assessments of others.
 *
 * @param asks - where the request holds the metadata of assessments.
 * @see `_mark_run_deleted` in mlflow/store/tracking/sqlalchemy_store.py
 */
export function assessmentRun(judge: Judge): Special<readonly From[]> {
  return async (request, caller, asks) => {
    const runs = asks.flatMap((from) => valuesAt(from, readable(request)).flatMap(runsIn));
    const [home] = request.way.judged.flatMap(({ roots }) => roots);
    const references = runs.map(
      (id): Reference => ({ kind: 'run', id, action: 'read', fresh: { in: home?.id } }),
    );
    await judgeAll(request, caller, references, judge);
    return undefined;
  };
}

/** Databases look for the key in the text of the metadata, some without regard to case. */
function runsIn(metadata: unknown): readonly string[] {
  if (!isObject(metadata)) {
    return [];
  }
  return Object.entries(metadata).flatMap(([key, value]) => {
    if (!names(SOURCE_RUN, key)) {
      return [];
    }
    if (typeof value === 'string' && isCanonical('run', value)) {
      return [value];
    }
    throw invalid(`'${key}' must be the id of a run.`);
  });
}
