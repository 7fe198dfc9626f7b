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
