import { unavailable } from '../../errors.ts';
import { readAnswer } from './answer-json.ts';
import type { Upstream } from './upstream.ts';

/**
 * Asks the upstream for something by its id or name.
 *
 * @param target - path and query of a GET.
 * @param noneAt - statuses that say that there is none; a 400 is MLflow's word for an id that cannot exist.
 * @returns the JSON it answers; undefined if it says that there is none.
 * @throws ApiError 503 or 504 if the answer is not clear: silence never grants.
 */
export async function ask(
  upstream: Pick<Upstream, 'exchange'>,
  target: string,
  noneAt: readonly number[] = [404, 400],
): Promise<unknown> {
  const answer = await upstream.exchange({ method: 'GET', target });
  const { status } = answer;
  if (noneAt.includes(status)) {
    return undefined;
  }
  if (status !== 200) {
    throw unavailable('The MLflow server did not say what this belongs to. Try again.', { status });
  }
  return readAnswer(answer);
}
