import { invalid } from '../errors.ts';
import { endpointsOfScorer } from '../mlflow/scorer-models.ts';
import { type Judge, judgeAll } from './authorize.ts';
import type { Special } from './special.ts';

/**
 * Judges the endpoints of the AI gateway that a scorer calls, later and with the server's rights: by
 * a job, or on every new trace once the scorer runs online. They must be the caller's to use.
 */
export function scorerModels(judge: Judge): Special {
  return async (request, caller) => {
    const { serialized_scorer: one, serialized_scorers: several } = request.way.body;
    const names = [one, several].flat().flatMap((serialized) => {
      if (serialized === undefined || serialized === null) return [];
      if (typeof serialized !== 'string') throw invalid('A serialized scorer must be a string.');
      return endpointsOfScorer(serialized);
    });
    const references = names.map(
      (id) => ({ kind: 'gateway_endpoint_name', id, action: 'use', fresh: false }) as const,
    );
    await judgeAll(request, caller, references, judge);
  };
}
