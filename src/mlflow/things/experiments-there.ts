import { unavailable } from '../../errors.ts';
import { isObject, text } from '../read/json.ts';
import { propertyAt } from '../read/property-at.ts';
import { replyJson } from '../upstream/answer-json.ts';
import { isArtifactsOnly } from '../upstream/artifacts-only.ts';
import type { Answer, Upstream } from '../upstream/upstream.ts';

/** An experiment as MLflow tells of it, deleted or not. */
export interface ExperimentThere {
  readonly id: number;
  /** When it was made, in milliseconds since the epoch, by MLflow's clock; 0 if MLflow does not know. */
  readonly madeAt: number;
}

/** One page of all experiments, the highest id first. */
export interface ExperimentPage {
  readonly rows: readonly ExperimentThere[];
  /** Where the next page begins; undefined on the last. */
  readonly next: string | undefined;
}

/**
 * Asks for a page of all experiments.
 *
 * @returns undefined if this MLflow keeps none.
 * @throws ApiError 503 or 504 if it does not say which it has.
 */
export async function experimentsFrom(
  upstream: Pick<Upstream, 'exchange'>,
  size: number,
  token: string | undefined,
): Promise<ExperimentPage | undefined> {
  const query = new URLSearchParams({
    max_results: String(size),
    view_type: 'ALL',
    order_by: 'experiment_id DESC',
    ...(token !== undefined && { page_token: token }),
  });
  const answer = await upstream.exchange({
    method: 'GET',
    target: `/api/2.0/mlflow/experiments/search?${query}`,
  });
  return isArtifactsOnly(answer) ? undefined : readPage(answer);
}

/** Asks for one experiment; undefined if MLflow does not show it. */
export async function experimentThere(
  upstream: Pick<Upstream, 'exchange'>,
  id: number,
): Promise<ExperimentThere | undefined> {
  const target = `/api/2.0/mlflow/experiments/get?experiment_id=${id}`;
  const answer = await upstream.exchange({ method: 'GET', target });
  return answer.status === 200 ? rowsOf([propertyAt(replyJson(answer), 'experiment')])[0] : undefined;
}

function readPage(answer: Answer): ExperimentPage {
  const reply = replyJson(answer);
  const list = propertyAt(reply, 'experiments') ?? [];
  if (answer.status !== 200 || !isObject(reply) || !Array.isArray(list)) {
    throw unavailable('The MLflow server did not say which experiments it has. Try again.', {
      status: answer.status,
    });
  }
  return { rows: rowsOf(list), next: text(propertyAt(reply, 'next_page_token')) };
}

/** JSON has 64-bit integers as text where it is protobuf's. Databases of old MLflows know no moment. */
function rowsOf(rows: readonly unknown[]): readonly ExperimentThere[] {
  return rows.flatMap((row) => {
    const id = text(propertyAt(row, 'experiment_id'));
    const madeAt = Number(propertyAt(row, 'creation_time') ?? 0);
    return id !== undefined && Number.isFinite(madeAt) ? [{ id: Number(id), madeAt }] : [];
  });
}
