import { denied } from '../../errors.ts';
import { readModelCalls } from '../../mlflow/ai-gateway/model-calls.ts';
import type { From } from '../../mlflow/table/row.ts';
import type { Judge } from '../judge/judge.ts';
import { judgeAll } from '../judge/judge-all.ts';
import { textsAt } from '../locate/locate.ts';
import { readable } from '../locate/readable.ts';
import type { Reference } from '../reference.ts';
import type { Special } from './special.ts';

/**
 * Judges the models that a scorer or an optimizer calls later, with the server's rights and keys: in a job, or on
 * every new trace once the scorer runs online. Endpoints of the AI gateway must be the caller's to use, traces that are
 * shown to the models the caller's to read, and only an admin sends the calls elsewhere.
 */
export function modelCalls(judge: Judge): Special<readonly From[]> {
  return async (request, caller, serialized) => {
    const calls = serialized.flatMap((from) => textsAt(from, readable(request)).map(readModelCalls));
    const steered = calls.find(({ steeredBy }) => steeredBy !== undefined);
    if (steered !== undefined) {
      throw denied(
        `The setting '${steered.steeredBy}' decides whom the server calls with its keys; only an admin may set it.`,
      );
    }
    const references = calls.flatMap(({ endpoints, traces }): Reference[] => [
      ...endpoints.map((id): Reference => ({ kind: 'gateway_endpoint_name', id, action: 'use' })),
      ...traces.map((id): Reference => ({ kind: 'trace', id, action: 'read' })),
    ]);
    await judgeAll(request, caller, references, judge);
    return undefined;
  };
}
