import { type Permission, refuses } from '../../policy/permissions.ts';
import { type CheckedGrant, checkGrant } from './check-grant.ts';
import type { SourceGrant } from './read-basic-auth.ts';
import { type Counted, quoted, type Tally } from './tally.ts';

/** Whoever is to hold the grants. */
export interface Holder {
  readonly what: Counted;
  /** Such as `role "data science"`. */
  readonly name: string;
  /** Adds a grant; answers the permission that is there already, if one is. */
  readonly add: (grant: CheckedGrant) => Promise<Permission | undefined>;
}

/** Adds grants to their holder, refusals first; one that is there keeps its permission. */
export async function takeGrants(
  grants: readonly SourceGrant[],
  holder: Holder,
  wildcards: boolean,
  tally: Tally,
): Promise<void> {
  const { what, name, add } = holder;
  const line = ({ type, pattern, permission }: SourceGrant | CheckedGrant) =>
    `${permission} of ${name} on ${type} ${quoted(pattern)}`;
  const checked: CheckedGrant[] = [];
  for (const grant of grants) {
    const result = checkGrant(grant, wildcards);
    if (typeof result === 'string') tally.leave(what, `${line(grant)}: ${result}`);
    else checked.push(result);
  }
  checked.sort((a, b) => Number(refuses(b.permission)) - Number(refuses(a.permission)));
  for (const grant of checked) {
    const held = await add(grant);
    if (held === undefined) tally.counts[what].taken += 1;
    else if (held === grant.permission) tally.counts[what].alreadyThere += 1;
    else tally.leave(what, `${line(grant)}: ${held} is there and was not changed`);
  }
}
