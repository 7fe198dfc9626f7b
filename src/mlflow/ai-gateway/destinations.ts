import { type AllowedHost, liesOnAllowedHost } from '../../config/allowed-hosts.ts';
import { isObject, readJson } from '../read/json.ts';

/** What decides where users may have the AI gateway of MLflow send calls. */
export interface Egress {
  /** The MLflow that calls, as it names itself; undefined if it does not. */
  readonly version: string | undefined;
  /** Hosts that users may name; undefined where the operator has named none. */
  readonly allowedHosts: readonly AllowedHost[] | undefined;
}

/** Whom a call is made for: the provider of a model, or nobody yet; `job` for one of MLflow's job runner. */
export type Caller = { readonly provider: string | undefined } | 'job';

type Form = (value: string) => boolean;

const anything: Form = () => true;
/** Part of a host name or of a path, and nothing that ends it. */
const word: Form = (value) => /^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/.test(value);
/** A region is put into a host name, which `evil.example/?` would end. */
const region: Form = (value) => /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(value);

/** Where accounts of Google get their tokens. */
const TOKEN_URI = /^https:\/\/(?:oauth2|www|sts)\.googleapis\.com\/|^https:\/\/accounts\.google\.com\//;
const ACCOUNT_TYPES: readonly unknown[] = [undefined, 'service_account', 'authorized_user'];
/** Fields of an account by which Google's library asks another address, or a file or program of the server. */
const ACCOUNT_SOURCES =
  /^(?:credential_source|source_credentials|token_url|token_info_url|service_account_impersonation(?:_url)?|trust_boundary|universe_domain)$/;

/**
 * The JSON of an account that gets its tokens from Google.
 *
 * @see `_get_credentials` in mlflow/gateway/providers/vertex_ai.py
 */
const account: Form = (value) => {
  const fields = accountIn(value);
  if (fields === undefined) {
    return false;
  }
  const { type, token_uri: tokenUri, universe_domain: universe = 'googleapis.com', ...others } = fields;
  return (
    ACCOUNT_TYPES.includes(type) &&
    universe === 'googleapis.com' &&
    (tokenUri === undefined || (typeof tokenUri === 'string' && TOKEN_URI.test(tokenUri))) &&
    !Object.keys(others).some((name) => ACCOUNT_SOURCES.test(name))
  );
};

/** Text that is no JSON object names a file of the server. */
function accountIn(value: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return readJson(Buffer.from(value));
  } catch {
    return undefined;
  }
}

/** The setting that names the host itself. */
const BASE = 'api_base';

/**
 * Every setting of a secret that MLflow offers for some provider, with the form that its value may have. LiteLLM, which
 * MLflow hands all of them, knows hundreds more by which calls go to other hosts or through proxies, or read files
 * and variables of the server.
 *
 * @see `_PROVIDER_AUTH_MODES` in mlflow/utils/providers.py, `_build_endpoint_config` in mlflow/server/gateway_api.py
 */
const SETTINGS: ReadonlyMap<string, Form> = new Map([
  ['api_key', anything],
  ['api_type', word],
  ['api_version', word],
  ['auth_mode', word],
  ['aws_access_key_id', anything],
  ['aws_region_name', region],
  ['aws_role_name', anything],
  ['aws_secret_access_key', anything],
  ['aws_session_name', anything],
  ['aws_session_token', anything],
  [BASE, anything],
  ['client_id', anything],
  ['client_secret', anything],
  ['deployment_name', word],
  ['organization', anything],
  ['portkey_config', anything],
  ['portkey_provider', anything],
  ['provider_api_key', anything],
  ['tenant_id', word],
  ['version', word],
  ['vertex_anthropic_betas', anything],
  ['vertex_credentials', account],
  ['vertex_location', region],
  ['vertex_project', word],
]);

/** The name of a setting that may lead a call elsewhere, or is not known not to; undefined without one. */
export function steeringSetting(settings: unknown): string | undefined {
  if (!isObject(settings)) {
    return undefined;
  }
  const found = Object.entries(settings).find(([name, value]) => {
    const form = SETTINGS.get(name);
    return form === undefined || (typeof value === 'string' && value !== '' && !form(value));
  });
  return found?.[0];
}

/**
 * Providers that MLflow 3.17 calls with a client of its own, which follows no redirect and connects to no address
 * that is not public. LiteLLM and the SDK of Databricks follow redirects: an `api_base` that MLflow has
 * checked could answer with one to MLflow itself.
 *
 * @see `_aiohttp_post` in mlflow/gateway/providers/utils.py, `_enable_upstream_ssrf_protection` in mlflow/server/gateway_api.py
 */
const GUARDED: ReadonlySet<string> = new Set([
  'anthropic',
  'azure',
  'deepseek',
  'gemini',
  'groq',
  'mistral',
  'ollama',
  'openai',
  'openrouter',
  'portkey',
  'typesafe',
  'xai',
]);
const GUARDED_SINCE = [3, 17] as const;

/** The address that settings name and that a user may not have called; undefined without one. */
export function strangeAddress(settings: unknown, caller: Caller, egress: Egress): string | undefined {
  const address = isObject(settings) ? settings[BASE] : undefined;
  if (address === undefined || address === null || address === '') {
    return undefined;
  }
  const { allowedHosts } = egress;
  if (allowedHosts !== undefined || !isGuarded(caller, egress.version)) {
    return typeof address === 'string' && liesOnAllowedHost(address, allowedHosts ?? [])
      ? undefined
      : String(address);
  }
  return undefined;
}

function isGuarded(caller: Caller, version: string | undefined): boolean {
  const [, major = '', minor = ''] = /^(\d+)\.(\d+)/.exec(version ?? '') ?? [];
  const [sinceMajor, sinceMinor] = GUARDED_SINCE;
  const isSince = Number(major) > sinceMajor || (Number(major) === sinceMajor && Number(minor) >= sinceMinor);
  return isSince && caller !== 'job' && (caller.provider === undefined || GUARDED.has(caller.provider));
}

/** A provider becomes a part of the model's name for LiteLLM. */
const PROVIDER = /^[A-Za-z0-9_.-]{1,100}$/;
/** LiteLLM takes a model that is an address for the host to call, and puts others into host names and paths. */
const ADDRESS_OR_MORE = /:\/\/|\.\.|[\s?#\\%]/;

/** Whether the name of a model, as its provider has it, may be taken for a host or a part of one. */
export function namesHost(model: string): boolean {
  return ADDRESS_OR_MORE.test(model);
}

/** What of a model definition may lead its calls elsewhere; undefined if nothing does. */
export function steeringModel(provider: unknown, model: unknown): string | undefined {
  if (typeof provider === 'string' && provider !== '' && !PROVIDER.test(provider)) {
    return 'provider';
  }
  return typeof model === 'string' && namesHost(model) ? 'model' : undefined;
}
