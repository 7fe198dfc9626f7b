/** The two fields of `@organization/name`; undefined for a path to anything else. */
export function partsOfSkillName(
  path: string,
): { readonly organization: string; readonly name: string } | undefined {
  if (!path.startsWith('@')) {
    return undefined;
  }
  const slash = path.indexOf('/');
  return { organization: path.slice(1, slash), name: path.slice(slash + 1) };
}

/**
 * What a skill is called: `@organization/name`, or its name alone where it is of no organization.
 *
 * @returns undefined where the two are no texts.
 */
export function skillName(organization: unknown, name: unknown): string | undefined {
  if (typeof name !== 'string') {
    return undefined;
  }
  if (organization === undefined || organization === null || organization === '') {
    return name;
  }
  return typeof organization === 'string' ? `@${organization}/${name}` : undefined;
}
