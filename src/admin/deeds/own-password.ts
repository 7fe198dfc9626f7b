import type { ReadingStore } from '../../audit/changing.ts';
import { issuerKey, type ProviderConfig } from '../../config/providers.ts';
import { isTaken, type LocalSignIn } from '../../identity/limited-basic.ts';
import { NO_PASSWORD, type User } from '../../store/types.ts';

export interface OwnPasswordParts {
  readonly store: Pick<ReadingStore, 'identities'>;
  /** Where users come from by single sign-on. */
  readonly providers: readonly Pick<ProviderConfig, 'name' | 'issuer' | 'display_name'>[];
  readonly localSignIn: LocalSignIn;
}

/** Where the password of a user is. */
export interface OwnPassword {
  /** Whether there is one here that is taken. */
  readonly isHere: boolean;
  /** What those providers call themselves by which the user signs in. */
  readonly providers: readonly string[];
}

/** Where the password of a user is kept. */
export async function ownPassword(
  user: User,
  { store, providers, localSignIn }: OwnPasswordParts,
): Promise<OwnPassword> {
  const identities = await store.identities.ofUser(user.id);
  return {
    isHere: user.passwordHash !== NO_PASSWORD && isTaken(localSignIn, user),
    providers: identities.map(({ issuer }) => {
      const found = providers.find((each) => issuerKey(each.issuer) === issuer);
      return found === undefined ? issuer : (found.display_name ?? found.name);
    }),
  };
}
