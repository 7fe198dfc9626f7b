import { createRemoteJWKSet, type JWTVerifyGetKey, customFetch as keysFetch } from 'jose';
import * as client from 'openid-client';
import { z } from 'zod';
import type { ProviderConfig } from '../../config/providers.ts';
import { type ApiError, unavailable } from '../../errors.ts';
import { readAuthorities } from '../../listening/authorities.ts';
import { createProviderFetch, type ProviderFetch } from './fetch.ts';

/** A provider of single sign-on, asked no more than is needed. */
export interface Provider extends Pick<ProviderConfig, 'name'> {
  readonly config: ProviderConfig;
  /**
   * What it says of itself, asked once and then now and again.
   *
   * @throws ApiError 503 if it does not answer.
   */
  discover(): Promise<Discovered>;
  /**
   * Tries what a sign-in needs of it, and tells in words what was found.
   *
   * @throws Error with a sentence, if it does not answer, names no key, or has a clock that is too far off.
   */
  look(): Promise<string>;
  close(): Promise<void>;
}

/** What a provider says of itself. */
export interface Discovered {
  /** As it stands in its tokens. */
  readonly issuer: string;
  /** For what openid-client asks of it. */
  readonly client: client.Configuration;
  /**
   * Its keys, asked again for one that is not known, at most every {@link KEYS_EVERY_MS}.
   *
   * @throws ApiError 503 if it does not answer.
   */
  readonly keys: JWTVerifyGetKey;
}

export interface ProviderOptions {
  /** PEM of the authorities that it is trusted by. */
  readonly ca: string | undefined;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** How long a provider may take to answer. */
export const PROVIDER_TIMEOUT_MS = 5_000;
/** How often keys are asked for at most because of one that is not known: anybody can make one up. */
export const KEYS_EVERY_MS = 30_000;
/** A provider that did not answer is not asked again before that: requests must not wait for it one after the other. */
export const AGAIN_AFTER_MS = 5_000;
/** How long what a provider says of itself is taken for true. */
const DISCOVERY_MS = 3_600_000;
/** How long its keys are: one that it takes back counts no longer than that. */
const KEYS_MS = 600_000;

/**
 * Opens the ways to all providers. Nothing is asked of them.
 *
 * @throws Error with a sentence, if the authorities that one is to be trusted by cannot be read.
 */
export function openProviders(configs: readonly ProviderConfig[], clock: () => number): readonly Provider[] {
  return configs.map((config) => createProvider(config, { ca: readProviderCa(config), clock }));
}

function readProviderCa({ name, ca_file: file }: ProviderConfig): string | undefined {
  return file === undefined ? undefined : readAuthorities(file, `ca_file of [oidc.${name}]`);
}

/** Nothing is asked of the provider yet: a gateway starts without it. */
export function createProvider(config: ProviderConfig, { ca, clock }: ProviderOptions): Provider {
  const { fetch, close } = createProviderFetch({ ca, timeoutMs: PROVIDER_TIMEOUT_MS });
  const patient = holdingOff(config.name, clock);
  let known: { readonly answer: Discovered; readonly until: number } | undefined;
  let asking: Promise<Discovered> | undefined;

  async function ask(): Promise<Discovered> {
    try {
      const found = await patient(() => discoverBy(config, fetch));
      known = {
        answer: { ...found, keys: keysBy(found.client, fetch, clock, config.name) },
        until: clock() + DISCOVERY_MS,
      };
    } catch (error) {
      // What it said before is still the best that is known.
      if (known === undefined) {
        throw error;
      }
    }
    return known.answer;
  }

  return {
    name: config.name,
    config,
    async discover() {
      if (known !== undefined && clock() < known.until) {
        return known.answer;
      }
      asking ??= ask().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    look: () => lookAt(config, fetch, clock),
    close,
  };
}

/** What clocks may differ by; a little is the time that an answer takes. */
const MOST_OFF_SECONDS = 25;

async function lookAt(config: ProviderConfig, fetch: ProviderFetch, clock: () => number): Promise<string> {
  const { issuer, client: found } = await discoverBy(config, fetch);
  const { jwks_uri: address } = found.serverMetadata();
  if (address === undefined) {
    throw new Error(`${issuer} names no jwks_uri`);
  }
  const answer = await fetch(address, {});
  const { keys } = KEYS.parse(await answer.json());
  const date = Date.parse(answer.headers.get('date') ?? '');
  const off = Number.isNaN(date) ? undefined : Math.round((clock() - date) / 1000);
  if (off !== undefined && Math.abs(off) > MOST_OFF_SECONDS) {
    throw new Error(
      `the clock of ${issuer} is ${Math.abs(off)} s ${off > 0 ? 'behind' : 'ahead of'} that of this machine`,
    );
  }
  return `it is ${issuer}, with ${keys.length} key${keys.length === 1 ? '' : 's'}; the clocks ${off === undefined ? 'cannot be compared' : 'agree'}`;
}

const KEYS = z.object({ keys: z.array(z.object({ kty: z.string() })).min(1) });

/** Asks for the discovery document (OpenID Connect Discovery 1.0, section 4), whose issuer must be the one that was meant. */
async function discoverBy(
  { issuer }: ProviderConfig,
  fetch: ProviderFetch,
): Promise<Omit<Discovered, 'keys'>> {
  const address = new URL(issuer);
  const found = await client.discovery(address, CLIENT, undefined, client.None(), {
    [client.customFetch]: fetch as client.CustomFetch,
    timeout: PROVIDER_TIMEOUT_MS / 1000,
    ...(address.protocol === 'http:' && { execute: [client.allowInsecureRequests] }),
  });
  return { issuer: found.serverMetadata().issuer, client: found };
}

/** Tokens of others are checked: the gateway is no client of the provider for that. */
const CLIENT = 'mlflow-auth-gateway';

function keysBy(
  found: client.Configuration,
  fetch: ProviderFetch,
  clock: () => number,
  name: string,
): JWTVerifyGetKey {
  const { jwks_uri: address } = found.serverMetadata();
  if (address === undefined) {
    return async () => {
      throw unavailable(`The provider ${name} names no keys.`);
    };
  }
  const patient = holdingOff(name, clock);
  const keys = createRemoteJWKSet(new URL(address), {
    [keysFetch]: (url, options) =>
      patient(async () => {
        const answer = await fetch(url, options);
        if (answer.status !== 200) {
          throw new Error(`${url} answers ${answer.status}`);
        }
        return answer;
      }),
    timeoutDuration: PROVIDER_TIMEOUT_MS,
    cooldownDuration: KEYS_EVERY_MS,
    cacheMaxAge: KEYS_MS,
  });
  return keys;
}

/** Asks, unless the last answer failed just now. */
function holdingOff(name: string, clock: () => number): <T>(ask: () => Promise<T>) => Promise<T> {
  let failed: { readonly at: number; readonly cause: unknown } | undefined;
  return async (ask) => {
    if (failed !== undefined && clock() < failed.at + AGAIN_AFTER_MS) {
      throw away(name, failed.cause);
    }
    try {
      const answer = await ask();
      failed = undefined;
      return answer;
    } catch (cause) {
      failed = { at: clock(), cause };
      throw away(name, cause);
    }
  };
}

function away(name: string, cause: unknown): ApiError {
  return unavailable(
    `The provider of single sign-on ${name} does not answer as it should. Try again, or sign in with a password or a token of this gateway.`,
    cause,
  );
}
