import type { AllowedHost } from '../../config/allowed-hosts.ts';
import { denied, unavailable } from '../../errors.ts';
import type { SignedIn } from '../../identity/principal.ts';
import {
  type Caller,
  type Egress,
  steeringModel,
  steeringSetting,
  strangeAddress,
} from '../../mlflow/ai-gateway/destinations.ts';
import {
  borrowedBySettings,
  borrowedIn,
  bringsItsKey,
  type SecretShape,
  settingsIn,
  shapeOfSecret,
} from '../../mlflow/ai-gateway/provider-keys.ts';
import { text } from '../../mlflow/read/json.ts';
import { propertyAt } from '../../mlflow/read/property-at.ts';
import type { SpecialQuestions } from '../../mlflow/table/row.ts';
import { ask } from '../../mlflow/upstream/ask.ts';
import type { Upstream } from '../../mlflow/upstream/upstream.ts';
import type { Judge } from '../judge/judge.ts';
import { onServerKeys } from './server-keys.ts';
import type { Special } from './special.ts';

export interface ProviderCallsParts {
  readonly judge: Judge;
  readonly upstream: Upstream;
  /** Hosts that users may have the AI gateway call; undefined where the operator has named none. */
  readonly allowedHosts: readonly AllowedHost[] | undefined;
}

const API = '/api/3.0/mlflow/gateway';

type Asked = SpecialQuestions['provider-calls'];
type Body = Readonly<Record<string, unknown>>;

/** What a request would have models called with. */
interface Calls {
  /** Settings and values that say where the calls go. */
  readonly settings: readonly unknown[];
  /** Who calls with them: a secret may be for several. */
  readonly callers: readonly Caller[];
  /** Why a call would be made with a key of the server, if one would. */
  readonly borrowed: string | undefined;
}

/**
 * Judges secrets and model definitions of the AI gateway: with whose key models are called, and where the calls go. Every
 * user may make them. A secret without a key would lend the server's to everybody. One that has MLflow call itself would
 * do, with MLflow's rights, what the address says.
 */
export function providerCalls(parts: ProviderCallsParts): Special<Asked> {
  return async ({ way: { body } }, caller, asks) => {
    await checkCalls(parts, caller, asks, body);
    return undefined;
  };
}

/**
 * Checks whom a body would have MLflow call, and with whose key. The body need not be the request's own.
 *
 * @throws ApiError 403 if the caller may not have that done.
 */
export async function checkCalls(
  { judge, upstream, allowedHosts }: ProviderCallsParts,
  caller: SignedIn,
  asks: Asked,
  body: Body,
): Promise<void> {
  const steering = steeringModel(body['provider'], body['model_name'] ?? body['model']);
  if (steering !== undefined) {
    throw denied(`The ${steering} must be a plain name: only an admin may have MLflow call an address.`);
  }
  const calls = await CALLS[asks](upstream, body);
  checkDestinations(calls, { version: await upstream.version(), allowedHosts });
  if (calls.borrowed !== undefined) {
    checkServerKeys(calls.borrowed, asks, onServerKeys(judge, caller));
  }
}

function checkDestinations({ settings, callers }: Calls, egress: Egress): void {
  for (const each of settings) {
    const setting = steeringSetting(each);
    if (setting !== undefined) {
      throw denied(
        `Only an admin may set '${setting}' to this: it may decide whom MLflow calls, and with what.`,
      );
    }
    for (const caller of callers) {
      const address = strangeAddress(each, caller, egress);
      if (address !== undefined) {
        throw denied(
          `Only an admin may have MLflow call ${JSON.stringify(address)} here. ` +
            'An admin can allow its host by the setting ai_gateway_allowed_hosts.',
        );
      }
    }
  }
}

function checkServerKeys(borrowed: string, asks: Asked, { allow, because }: ReturnType<typeof onServerKeys>) {
  if (asks === 'detection') {
    // A job takes each setting from the secret, or where that has none from the server.
    throw denied(`The server's own key could be sent to where the secret says, as ${borrowed}.`);
  }
  if (!allow) {
    throw denied(
      `Models would be called with the keys of the server, as ${borrowed}: put a key into the secret. ` +
        'Without one this needs USE on all AI gateway endpoints.',
      because,
    );
  }
}

/** What each request has called, by what it makes or changes. */
const CALLS: { readonly [Asks in Asked]: (upstream: Upstream, body: Body) => Promise<Calls> } = {
  'new secret': async (_upstream, body) => ({
    settings: [body['secret_value'], settingsIn(body)],
    callers: [{ provider: undefined }],
    borrowed: borrowedByBody(body),
  }),
  async secret(upstream, body) {
    const told = await about(upstream, 'secrets/get?secret_id', body);
    const secret = shapeOfSecret(told, body);
    const definitions = propertyAt(
      await about(upstream, 'model-definitions/list?secret_id', body),
      'model_definitions',
    );
    const providers = Array.isArray(definitions) ? definitions.map(providerOf) : [];
    // Who else uses the secret, and for what, is not said.
    const isMissing = !providers.every((provider) => bringsItsKey(provider, secret));
    return {
      settings: [body['secret_value'], settingsIn(body)],
      callers: [undefined, ...providers].map((provider) => ({ provider })),
      borrowed:
        borrowedByBody(body) ??
        (isMissing ? 'the secret would have no key for a model that uses it' : undefined),
    };
  },
  'new definition': (upstream, body) => callsOf(upstream, text(body['provider']), text(body['secret_id'])),
  async definition(upstream, body) {
    const [provider, secretId] = [text(body['provider']), text(body['secret_id'])];
    if (provider === undefined && secretId === undefined) {
      return NOTHING;
    }
    const told = await about(upstream, 'model-definitions/get?model_definition_id', body);
    const known = (name: string) => text(propertyAt(told, `model_definition.${name}`));
    return callsOf(upstream, provider ?? known('provider'), secretId ?? known('secret_id'));
  },
  async detection(upstream, body) {
    // Jobs call with clients that follow redirects, whatever the provider.
    const calls = await callsOf(upstream, text(body['provider']), text(body['secret_id']));
    return { ...calls, callers: ['job'] };
  },
};

const NOTHING: Calls = { settings: [], callers: [], borrowed: undefined };

/** What a provider is called with by a secret that is there. */
async function callsOf(
  upstream: Upstream,
  provider: string | undefined,
  secretId: string | undefined,
): Promise<Calls> {
  // MLflow refuses what says none of them.
  if (provider === undefined || secretId === undefined) {
    return NOTHING;
  }
  const told = await about(upstream, 'secrets/get?secret_id', { secret_id: secretId });
  const secret = shapeOfSecret(told);
  return {
    settings: [namesIn(secret), settingsIn(propertyAt(told, 'secret'))],
    callers: [{ provider }],
    borrowed: bringsItsKey(provider, secret)
      ? undefined
      : `the secret has no key for ${JSON.stringify(provider)}`,
  };
}

/** MLflow tells the values of a secret masked. An address among them is one that is not known. */
function namesIn({ fields }: SecretShape): Body {
  return Object.fromEntries([...fields].map((name) => [name, name === 'api_base' ? '(not told)' : '']));
}

function borrowedByBody(body: Body): string | undefined {
  return borrowedIn(body['secret_value']) ?? borrowedBySettings(settingsIn(body));
}

/** Asks for what a field of the body names, under the same name. */
function about(upstream: Upstream, path: string, body: Body): Promise<unknown> {
  const field = path.slice(path.indexOf('?') + 1);
  return ask(upstream, `${API}/${path}=${encodeURIComponent(String(body[field]))}`);
}

function providerOf(definition: unknown): string {
  const provider = text(propertyAt(definition, 'provider'));
  if (provider === undefined) {
    throw unavailable('The MLflow server did not say what uses the secret.');
  }
  return provider;
}
