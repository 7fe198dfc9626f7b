import { propertyAt } from '../read/property-at.ts';
import { replyJson } from '../upstream/answer-json.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { existenceTarget, readExistence } from './existence.ts';
import { hasPromptTag } from './identifiers.ts';

/** A thing that MLflow has. */
export interface SeenThing {
  /** As MLflow has it: its database may know a name by other spellings. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** Whether it is a prompt, where that is asked of the model registry. */
  readonly isPrompt?: boolean;
}

/**
 * Asks MLflow for a thing: undefined if there is none, `unclear` if it does not say.
 *
 * @throws ApiError 503 if MLflow gives no answer at all.
 */
export type LookAt = (
  kind: 'experiment' | 'registered_model',
  id: string,
) => Promise<SeenThing | 'unclear' | undefined>;

/** @see mlflow/server/handlers.py (`_get_experiment`, `_get_registered_model`) */
export function createLookAt(upstream: Pick<Upstream, 'exchange'>): LookAt {
  return async (kind, id) => {
    const by = kind === 'experiment' ? 'byId' : 'byName';
    const answer = await upstream.exchange({ method: 'GET', target: existenceTarget(kind, by, id) });
    // An id that nothing can have is a 400.
    const found = answer.status === 400 ? 'missing' : readExistence(kind, by, id, answer);
    if (typeof found === 'string') {
      return found === 'missing' ? undefined : found;
    }
    const thing = propertyAt(replyJson(answer), kind);
    const name = propertyAt(thing, 'name');
    return {
      ...{ id: found.id, name: typeof name === 'string' ? name : found.id },
      ...(kind === 'registered_model' && { isPrompt: hasPromptTag(thing) }),
    };
  };
}
