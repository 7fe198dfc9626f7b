import type { ReadingStore } from '../../audit/changing.ts';
import type { ProviderConfig } from '../../config/providers.ts';
import { notFound } from '../../errors.ts';
import type { Provider } from '../../identity/oidc/provider.ts';
import { redirectUri } from '../../identity/oidc/sign-in.ts';
import type { Reply } from '../../reply.ts';
import { ofProviders } from '../contract/providers.ts';
import type { Call } from '../handler.ts';
import { addressOf, type SingleSignOn } from '../pages/provider-sign-in.ts';
import { filtersOf } from './parameters.ts';

export interface ProviderHandlerParts {
  readonly store: Pick<ReadingStore, 'identities'>;
  readonly singleSignOn: Pick<SingleSignOn, 'providers' | 'publicUrl'>;
}

/** The providers of single sign-on as they are set, for admins. Nothing of it is a secret. */
export function providerHandlers({ store, singleSignOn }: ProviderHandlerParts) {
  const { providers } = singleSignOn;
  return {
    async 'providers.list'(call: Call): Promise<Reply> {
      const users = await store.identities.countByIssuer();
      const known = new Set(providers.map(({ issuer }) => issuer));
      return {
        body: {
          providers: providers.map((provider) => ({
            ...providerJson(provider.config),
            redirect_uri: redirectUriOf(call, provider) ?? null,
            users: users.get(provider.issuer) ?? 0,
          })),
          others: [...users]
            .filter(([issuer]) => !known.has(issuer))
            .map(([issuer, count]) => ({ issuer, users: count })),
        },
      };
    },

    async 'providers.check'(call: Call): Promise<Reply> {
      const { provider: name } = filtersOf(call, ofProviders['providers.check'].query);
      const provider = providers.find((each) => each.name === name);
      if (provider === undefined) {
        throw notFound(`There is no provider ${JSON.stringify(name)}. See providers/list.`);
      }
      return { body: await check(provider, redirectUriOf(call, provider)) };
    },
  };

  /** Where the provider sends browsers back to; undefined where none come. */
  function redirectUriOf(call: Call, { name, config }: Provider): string | undefined {
    return config.client_id === undefined ? undefined : redirectUri(addressOf(call, singleSignOn), name);
  }
}

/** Asks a provider what a sign-in will ask it, as `check-config --connect` does. */
async function check(provider: Provider, address: string | undefined) {
  try {
    return { ready: true, found: await provider.look(address) };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
    return { ready: false, found: `${error instanceof Error ? error.message : String(error)}${cause}` };
  }
}

/** What is shown is named one by one, so that a new setting is not shown by itself. */
function providerJson(config: ProviderConfig) {
  return {
    name: config.name,
    display_name: config.display_name ?? config.name,
    issuer: config.issuer,
    client_id: config.client_id ?? null,
    proves_itself_by:
      config.client_secret !== undefined
        ? 'secret'
        : config.client_key_file !== undefined
          ? 'key'
          : ('nothing' as const),
    scopes: config.scopes,
    audience: config.audience,
    username_claim: config.username_claim,
    groups_claim: config.groups_claim,
    allowed_groups: config.allowed_groups ?? null,
    admin_group: config.admin_group ?? null,
    create_users: config.create_users,
    service_accounts: (config.service_accounts ?? []).map(({ account }) => account),
  };
}
