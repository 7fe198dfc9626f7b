import { denied, unavailable } from '../../errors.ts';
import { isObject, text } from '../../mlflow/read/json.ts';
import { ask } from '../../mlflow/upstream/ask.ts';
import type { Upstream } from '../../mlflow/upstream/upstream.ts';

/** A review queue, reduced to what a decision looks at. */
export interface Queue {
  readonly id: string;
  readonly experimentId: string;
  readonly custom: boolean;
  /** A caller who has been made the owner upstream; undefined for a queue as it was created. */
  readonly owner: string | undefined;
  /** Names of the reviewers, as MLflow keeps them: trimmed, in lower case. */
  readonly members: readonly string[];
  /** When its names were last written, in milliseconds since the epoch. */
  readonly changedAt: number;
}

/** All that Python takes for blanks at the ends of a text, which are more than JavaScript's `trim` takes off. */
const OUTER_BLANKS = /^[\s\p{Cc}]+|[\s\p{Cc}]+$/gu;

/** A name as MLflow compares names of queues and reviewers. */
export const folded = (name: string): string => name.replaceAll(OUTER_BLANKS, '').toLowerCase();

/** Whether two names are one to MLflow. */
export const sameName = (a: string, b: string): boolean => folded(a) === folded(b);

export async function readQueue(upstream: Upstream, lookUp: string): Promise<Queue> {
  const queue = await findQueue(upstream, lookUp);
  if (queue === undefined) {
    throw denied('There is no such review queue, or it is not yours.');
  }
  return queue;
}

export async function findQueue(upstream: Upstream, lookUp: string): Promise<Queue | undefined> {
  const reply = await ask(upstream, `/api/3.0/mlflow/review-queues/${lookUp}`);
  if (reply === undefined) {
    return undefined;
  }
  const queue = isObject(reply) ? reply['review_queue'] : undefined;
  const id = isObject(queue) ? text(queue['queue_id']) : undefined;
  const experimentId = isObject(queue) ? text(queue['experiment_id']) : undefined;
  if (!isObject(queue) || id === undefined || experimentId === undefined) {
    throw unavailable('The MLflow server did not say whose review queue this is. Try again.');
  }
  return {
    id,
    experimentId,
    custom: queue['queue_type'] === 'CUSTOM',
    owner: text(queue['created_by']),
    members: membersOf(queue),
    changedAt: changedAt(queue),
  };
}

/** When the names of a queue were last written; a queue without a date counts as older than every user. */
export function changedAt(queue: unknown): number {
  const moment = isObject(queue) ? Number(queue['last_update_time_ms']) : 0;
  return Number.isFinite(moment) ? moment : 0;
}

export function membersOf(queue: unknown): readonly string[] {
  const users = isObject(queue) ? queue['users'] : undefined;
  return Array.isArray(users) ? users.filter((user: unknown) => typeof user === 'string') : [];
}
