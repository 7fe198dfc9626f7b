import type { Answer } from '../mlflow/upstream.ts';

/** The body of an answer as JSON; undefined if it is none. */
export function replyJson(answer: Answer): unknown {
  try {
    return JSON.parse(answer.bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** What stands in a reply at `experiment.experiment_id`; undefined if nothing does. */
export function propertyAt(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (holder, key) =>
        typeof holder === 'object' && holder !== null ? (holder as Record<string, unknown>)[key] : undefined,
      value,
    );
}
