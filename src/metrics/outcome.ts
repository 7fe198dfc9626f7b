import { ApiError } from '../errors.ts';
import type { Ended } from '../gateway/record.ts';

/** What can become of a request. */
export type Outcome =
  | 'ok'
  | 'unauthenticated'
  | 'denied'
  | 'throttled'
  /** Any other 4xx. */
  | 'invalid'
  /** The store or MLflow gave no answer. */
  | 'unavailable'
  /** MLflow answered with a failure of its own. */
  | 'upstream_error'
  /** The gateway failed. */
  | 'internal_error'
  /** The client went away before the end of its answer. */
  | 'client_gone'
  /** MLflow went away before the end of its answer. */
  | 'broken_off';

const BY_STATUS: Readonly<Record<number, Outcome>> = {
  401: 'unauthenticated',
  403: 'denied',
  429: 'throttled',
};

/** Says in one word what became of a request. */
export function outcomeOf({ way, status, whole, failure }: Ended): Outcome {
  if (!whole || status === undefined) {
    return failure === undefined ? 'client_gone' : 'broken_off';
  }
  if (status < 400) {
    return 'ok';
  }
  if (status < 500) {
    return BY_STATUS[status] ?? 'invalid';
  }
  if (failure === undefined) {
    return way?.operation?.isOwn ? 'unavailable' : 'upstream_error';
  }
  return failure instanceof ApiError && failure.status !== 500 ? 'unavailable' : 'internal_error';
}
