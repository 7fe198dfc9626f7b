import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRemoteJWKSet, importPKCS8, type JWTVerifyGetKey, customFetch as keysFetch } from 'jose';
import * as client from 'openid-client';
import { z } from 'zod';
import { issuerKey, type ProviderConfig } from '../../config/providers.ts';
import { type ApiError, unavailable } from '../../errors.ts';
import { readAuthorities } from '../../listening/authorities.ts';
import { createProviderFetch, type ProviderFetch } from './fetch.ts';

/** A provider of single sign-on, asked no more than is needed. */
export interface Provider extends Pick<ProviderConfig, 'name'> {
  readonly config: ProviderConfig;
  /** As the store knows it, see `issuerKey`. */
  readonly issuer: string;
  /**
   * What it says of itself, asked once and then now and again.
   *
   * @throws ApiError 503 if it does not answer.
   */
  discover(): Promise<Discovered>;
  /**
   * Tries what a sign-in needs of it, and tells in words what was found.
   *
   * @param redirectUri - where it is to send browsers back to, if users sign in there.
   *
   * @throws Error with a sentence, if it does not answer, names no key, has a clock that is too far off, or knows no such client.
   */
  look(redirectUri: string | undefined): Promise<string>;
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
  /** By which the gateway proves to be its client. */
  readonly key: KeyObject | undefined;
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
 * @throws Error with a sentence, if the authorities that one is to be trusted by, or the key that proves who asks, cannot be read.
 */
export function openProviders(configs: readonly ProviderConfig[], clock: () => number): readonly Provider[] {
  return configs.map((config) =>
    createProvider(config, { ca: readProviderCa(config), key: readClientKey(config), clock }),
  );
}

function readProviderCa({ name, ca_file: file }: ProviderConfig): string | undefined {
  return file === undefined ? undefined : readAuthorities(file, `ca_file of [oidc.${name}]`);
}

/** Nothing is asked of the provider yet: a gateway starts without it. */
export function createProvider(config: ProviderConfig, { ca, key, clock }: ProviderOptions): Provider {
  const { fetch, close } = createProviderFetch({ ca, timeoutMs: PROVIDER_TIMEOUT_MS });
  const patient = holdingOff(config.name, clock);
  let known: { readonly answer: Discovered; readonly until: number } | undefined;
  let asking: Promise<Discovered> | undefined;

  async function ask(): Promise<Discovered> {
    try {
      const found = await patient(() => discoverBy(config, fetch, key));
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
    issuer: issuerKey(config.issuer),
    async discover() {
      if (known !== undefined && clock() < known.until) {
        return known.answer;
      }
      asking ??= ask().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    look: async (redirectUri) => {
      const discovered = await discoverBy(config, fetch, key);
      const found = await lookAt(discovered, fetch, clock);
      if (redirectUri !== undefined) {
        await tryRedirectUri(discovered.client, redirectUri, fetch);
      }
      return redirectUri === undefined ? found : `${found}; it takes the redirect URI ${redirectUri}`;
    },
    close,
  };
}

/** Begins a sign-in as a browser would: what the provider does not know it says at once, and sends nobody on. */
async function tryRedirectUri(
  found: client.Configuration,
  redirectUri: string,
  fetch: ProviderFetch,
): Promise<void> {
  const address = client.buildAuthorizationUrl(found, {
    ...{
      redirect_uri: redirectUri,
      scope: 'openid',
      state: client.randomState(),
      nonce: client.randomNonce(),
    },
    code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()),
    code_challenge_method: 'S256',
  });
  const { status } = await fetch(address.href, {});
  if (status >= 400) {
    throw new Error(
      `it answers ${status} to a sign-in: it knows no such client_id, or not with the redirect URI ${redirectUri}`,
    );
  }
}

/** What clocks may differ by; a little is the time that an answer takes. */
const MOST_OFF_SECONDS = 25;

async function lookAt(
  { issuer, client: found }: Omit<Discovered, 'keys'>,
  fetch: ProviderFetch,
  clock: () => number,
): Promise<string> {
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

/**
 * Asks for the discovery document (OpenID Connect Discovery 1.0, section 4), whose issuer must be the one that was meant.
 *
 * @throws Error with a sentence, if it is another.
 */
export async function discoverBy(
  config: ProviderConfig,
  fetch: ProviderFetch,
  key: KeyObject | undefined,
): Promise<Omit<Discovered, 'keys'>> {
  const address = new URL(config.issuer);
  const found = await client.discovery(
    address,
    config.client_id ?? NO_CLIENT,
    undefined,
    await clientAuth(config, key),
    {
      [client.customFetch]: fetch as client.CustomFetch,
      timeout: PROVIDER_TIMEOUT_MS / 1000,
      // The signatures of id tokens are checked, not only by whom they were handed over.
      execute: [
        client.enableNonRepudiationChecks,
        ...(address.protocol === 'http:' ? [client.allowInsecureRequests] : []),
      ],
    },
  );
  const { issuer } = found.serverMetadata();
  // The library takes others of Microsoft's too, and then users of every tenant in the world.
  if (issuerKey(issuer) !== issuerKey(config.issuer)) {
    throw new Error(`it calls itself ${issuer}: write that as its issuer, if it is one`);
  }
  return { issuer, client: found };
}

/** Tokens of others are checked: the gateway is no client of the provider for that. */
const NO_CLIENT = 'mlflow-auth-gateway';

/** How the gateway proves to be the client: by a key, by a secret, or not at all. */
async function clientAuth(
  { client_secret: secret }: ProviderConfig,
  key: KeyObject | undefined,
): Promise<client.ClientAuth> {
  if (key !== undefined) {
    return client.PrivateKeyJwt(await privateKeyOf(key));
  }
  return secret === undefined ? client.None() : client.ClientSecretBasic(secret.reveal());
}

async function privateKeyOf(key: KeyObject) {
  const algorithm = algorithmOf(key);
  return importPKCS8(key.export({ type: 'pkcs8', format: 'pem' }).toString(), algorithm);
}

/** What a key signs with, by its kind; undefined for one that signs nothing here. */
const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};

function algorithmOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string {
  const algorithm = type === 'rsa' ? 'RS256' : CURVES[details?.namedCurve ?? ''];
  if (algorithm === undefined) {
    throw new Error('the key is neither RSA nor of P-256, P-384 or P-521');
  }
  return algorithm;
}

function readClientKey({ name, client_key_file: path }: ProviderConfig): KeyObject | undefined {
  if (path === undefined) {
    return undefined;
  }
  try {
    const key = createPrivateKey(readFileSync(path));
    algorithmOf(key);
    return key;
  } catch (cause) {
    throw new Error(
      `client_key_file of [oidc.${name}]: ${path} cannot be read, or holds no private key in PEM that will do`,
      {
        cause,
      },
    );
  }
}

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
