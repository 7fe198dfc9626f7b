import { partsOfSkillName, skillName } from './skill-name.ts';

/** What stands in a reply at `experiment.experiment_id`, or at `@organization/name`; undefined if nothing does. */
export function propertyAt(value: unknown, path: string): unknown {
  const parts = partsOfSkillName(path);
  if (parts !== undefined) {
    return skillName(propertyAt(value, parts.organization), propertyAt(value, parts.name));
  }
  return path
    .split('.')
    .reduce<unknown>(
      (holder, key) =>
        typeof holder === 'object' && holder !== null ? (holder as Record<string, unknown>)[key] : undefined,
      value,
    );
}
