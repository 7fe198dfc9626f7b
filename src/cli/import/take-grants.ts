import type { Permission } from '../../policy/permissions.ts';
import { type CheckedGrant, checkGrant } from './check-grant.ts';
import type { SourceGrant } from './read-basic-auth.ts';
import { type Counted, quoted, type Tally } from './tally.ts';

/** The user or role that is to hold the grants. */
export interface Holder {
  readonly what: Counted;
  /** Such as `role "data science"`. */
  readonly name: string;
  /** Adds a grant; answers the permission that is there already, if one is. */
  readonly add: (grant: CheckedGrant) => Promise<Permission | undefined>;
}

/** Adds grants to their holder; one that is there keeps its permission. */
export async function takeGrants(
  grants: readonly SourceGrant[],
  { what, name, add }: Holder,
  wildcards: boolean,
  tally: Tally,
): Promise<void> {
  for (const grant of grants) {
    const line = `${grant.permission} of ${name} on ${grant.type} ${quoted(grant.pattern)}`;
    const checked = checkGrant(grant, wildcards);
    if (typeof checked === 'string') {
      tally.leave(what, `${line}: ${checked}`);
      continue;
    }
    const held = await add(checked);
    if (held === undefined) {
      tally.counts[what].taken += 1;
    } else if (held === checked.permission) {
      tally.counts[what].alreadyThere += 1;
    } else {
      tally.leave(what, `${line}: ${held} is there and was not changed`);
    }
  }
}
