/** What stands in a token. */
export type Claims = Readonly<Record<string, unknown>>;

/**
 * A claim by its name, or by a path of names with dots between them. Names have dots themselves (`kubernetes.io`,
 * `https://example.com/groups`): the claim of exactly this name comes first.
 */
export function claimAt(claims: unknown, path: string): unknown {
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) {
    return undefined;
  }
  const entries = claims as Claims;
  if (Object.hasOwn(entries, path)) {
    return entries[path];
  }
  for (let dot = path.indexOf('.'); dot !== -1; dot = path.indexOf('.', dot + 1)) {
    const name = path.slice(0, dot);
    if (Object.hasOwn(entries, name)) {
      const found = claimAt(entries[name], path.slice(dot + 1));
      if (found !== undefined) {
        return found;
      }
    }
  }
  return undefined;
}

/** The groups of a user: of a list its texts, and a text is one group, whatever is in it. */
export function groupsIn(claims: Claims, claim: string): readonly string[] {
  const found = claimAt(claims, claim);
  const groups = Array.isArray(found) ? found : [found];
  return [...new Set(groups.filter((group): group is string => typeof group === 'string' && group !== ''))];
}

/**
 * Whether a provider has left groups out of a token as there are too many. Microsoft's says where to ask for them in place
 * of the claim, or that there are some.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference#groups-overage-claim
 */
export function leavesGroupsOut(claims: Claims, claim: string): boolean {
  const elsewhere = claims['_claim_names'];
  return (
    claims['hasgroups'] === true ||
    claims['hasgroups'] === 'true' ||
    (typeof elsewhere === 'object' && elsewhere !== null && Object.hasOwn(elsewhere, claim))
  );
}

/**
 * The name that a user gets who comes for the first time, as names are compared: in lower case, in one Unicode form.
 *
 * @returns undefined if there is none, or none that can be kept; an email that nobody has verified is none, as anybody may claim it.
 */
export function usernameIn(claims: Claims, claim: string): string | undefined {
  const name = claimAt(claims, claim);
  if (typeof name !== 'string' || name.trim() === '') {
    return undefined;
  }
  // Databases take neither, or make one name of two: the halves of different surrogate pairs look alike.
  if (!name.isWellFormed() || name.includes('\0')) {
    return undefined;
  }
  if (/(?:^|\.)email$/.test(claim) && claims['email_verified'] !== true) {
    return undefined;
  }
  return name.normalize('NFKC').toLowerCase().normalize('NFKC').trim();
}

/** Whether a claim is exactly this, as text. */
export function hasClaim(
  claims: Claims,
  { claim, value }: { readonly claim: string; readonly value: string },
): boolean {
  const found = claimAt(claims, claim);
  return ['string', 'number', 'boolean'].includes(typeof found) && String(found) === value;
}
