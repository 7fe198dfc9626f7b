import type { ProviderConfig } from '../../config/providers.ts';
import type { Verified } from './access-token.ts';
import { groupsIn, leavesGroupsOut, usernameIn } from './claims.ts';

/** What a provider says of somebody who signs in. */
export interface Provided {
  readonly provider: ProviderConfig;
  /** As the provider writes itself. */
  readonly issuer: string;
  readonly subject: string;
  /** The name for one who comes for the first time; undefined if the provider says none. */
  readonly username: string | undefined;
  /** Undefined if there are more than the provider tells. */
  readonly groups: readonly string[] | undefined;
  /** When the provider says so, in milliseconds since the epoch. */
  readonly asOf: number;
  /** Until when it holds that somebody is in the groups; undefined for until the next sign-in. */
  readonly until: number | undefined;
}

/** What an access token says: its groups count for as long as it lives. */
export function providedBy({
  provider: { config },
  issuer,
  subject,
  claims,
  issuedAt,
  expiresAt,
}: Verified): Provided {
  const { username_claim: name, groups_claim: groups } = config;
  return {
    provider: config,
    issuer,
    subject,
    username: usernameIn(claims, name),
    groups: leavesGroupsOut(claims, groups) ? undefined : groupsIn(claims, groups),
    asOf: issuedAt,
    until: expiresAt,
  };
}
