import type { ReadingStore } from '../../audit/changing.ts';
import { issuerKey, type ProviderConfig } from '../../config/providers.ts';
import { invalid, notFound } from '../../errors.ts';
import type { Reply } from '../../reply.ts';
import { ofUsers } from '../contract/users.ts';
import { type Call, DONE } from '../handler.ts';
import { bodyOf, existingUser } from './parameters.ts';

/** The part of a provider's settings by which an admin names it. */
export type NamedProvider = Pick<ProviderConfig, 'name' | 'issuer' | 'display_name'>;

/** Whom the providers of single sign-on mean: an admin says so where a name alone does not prove it. */
export function linkHandlers(store: ReadingStore, providers: readonly NamedProvider[]) {
  return {
    /** Without a subject the link is taken back. */
    async 'users.link'(call: Call): Promise<Reply> {
      const body = bodyOf(call, ofUsers['users.link'].body);
      const issuer = issuerIn(body, providers);
      const user = await existingUser(store.users, body.username);
      if (body.subject !== null) {
        if (user.isService) {
          throw invalid(
            'A service account is not linked: entries of service_accounts say which tokens stand for it.',
          );
        }
        const { subject } = body;
        await call.changing.identities.link({ issuer, subject, userId: user.id, isBrought: false });
      } else if (!(await call.changing.identities.unlink(user.id, issuer))) {
        throw notFound(`User (username=${user.username}) is not linked to this provider.`);
      }
      return DONE;
    },
  };
}

/**
 * Reads which provider is meant, by its name or by its issuer.
 *
 * @throws ApiError 400 if there is no such provider.
 */
export function issuerIn(
  {
    provider,
    issuer,
  }: { readonly provider?: string | null | undefined; readonly issuer?: string | null | undefined },
  providers: readonly NamedProvider[],
): string {
  const asked = issuer ?? undefined;
  const found = providers.find((each) =>
    asked === undefined ? each.name === provider : issuerKey(each.issuer) === issuerKey(asked),
  );
  if (found === undefined || (provider ?? found.name) !== found.name) {
    const names = providers.map(({ name }) => name).join(', ') || 'none';
    throw invalid(`There is no such provider of single sign-on. Send one as 'provider': ${names}.`);
  }
  return issuerKey(found.issuer);
}
