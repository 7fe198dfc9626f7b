import { invalid } from '../../errors.ts';
import { isObject, readJson } from '../read/json.ts';
import { propertyAt } from '../read/property-at.ts';
import { looksOnServer } from './library-options.ts';

/** What a secret of the AI gateway holds: the names of its fields, and how they are to be used. */
export interface SecretShape {
  readonly fields: ReadonlySet<string>;
  readonly authMode: string | undefined;
}

type Test = (secret: SecretShape) => boolean;

const holds =
  (...names: readonly string[]): Test =>
  ({ fields }) =>
    names.every((name) => fields.has(name));
const inMode =
  (modes: readonly (string | undefined)[], test: Test): Test =>
  (secret) =>
    modes.includes(secret.authMode) && test(secret);

const AWS_KEYS = holds('aws_access_key_id', 'aws_secret_access_key');

/** Providers for which an `api_key` is not all that counts, by what is in their names, and how each is brought its own key. */
const BY_PROVIDER: readonly (readonly [name: RegExp, ways: readonly Test[]])[] = [
  [/bedrock/i, [inMode([undefined, 'api_key'], holds('api_key')), inMode(['access_keys'], AWS_KEYS)]],
  [/sagemaker/i, [AWS_KEYS]],
  [/vertex/i, [holds('vertex_credentials')]],
  [
    /databricks/i,
    [
      inMode(['oauth_m2m'], holds('client_secret')),
      ({ fields, authMode }) => authMode !== 'oauth_m2m' && fields.has('api_key'),
    ],
  ],
];
const BY_API_KEY: readonly Test[] = [holds('api_key')];

/**
 * Whether calls of a provider are made with what the secret holds. Where something is missing, MLflow or the
 * provider's library takes the server's own credentials (environment, role of the machine, files), and sends them to
 * an address that the secret chooses as well: `api_base`, or a `vertex_location` such as `evil.example/?`.
 *
 * @see `_build_endpoint_config` in mlflow/server/gateway_api.py, `_PROVIDER_AUTH_MODES` in mlflow/utils/providers.py
 */
export function bringsItsKey(provider: string, secret: SecretShape): boolean {
  const [, ways] = BY_PROVIDER.find(([name]) => name.test(provider)) ?? [undefined, BY_API_KEY];
  return ways.some((test) => test(secret));
}

/**
 * What older versions of MLflow (3.10 and before) take for the name of a variable of the server, or of a file, also one
 * beside the server's own: with an ending, or among the files of runs.
 */
const VARIABLE_OR_FILE =
  /^\s*(?:\$|[/~.])|\.[A-Za-z0-9_-]{1,10}\s*$|^\s*(?:mlruns|mlartifacts)\/|\/[0-9a-f]{32}\//;

/**
 * Why a value of a secret is no key of its own, if it is none: empty, it is as good as missing, and some may say where
 * MLflow finds the key on the server.
 *
 * @see `_resolve_api_key_from_input` in mlflow/gateway/config.py
 */
export function borrowedIn(secretValue: unknown): string | undefined {
  if (!isObject(secretValue)) {
    return undefined;
  }
  for (const [name, value] of Object.entries(secretValue)) {
    if (typeof value !== 'string' || value.trim() === '') {
      return `'${name}' is empty`;
    }
    if (name.endsWith('api_key') && VARIABLE_OR_FILE.test(value)) {
      return `'${name}' names something of the server`;
    }
  }
  return borrowedBySettings(secretValue);
}

/** Why the settings of a secret, which MLflow uses as it does its values, have a key looked for on the server, if they do. */
export function borrowedBySettings(settings: unknown): string | undefined {
  if (!isObject(settings)) {
    return undefined;
  }
  const found = Object.entries(settings).find(([, value]) => looksOnServer(value));
  return found && `'${found[0]}' names something of the server`;
}

/** The shape of a secret as MLflow tells it, or as a request would leave it. */
export function shapeOfSecret(told: unknown, changes: Readonly<Record<string, unknown>> = {}): SecretShape {
  const values = sent(changes['secret_value']) ?? propertyAt(told, 'secret.masked_values');
  const settings = settingsIn(changes) ?? settingsIn(propertyAt(told, 'secret'));
  const mode = propertyAt(settings, 'auth_mode');
  return {
    fields: new Set(isObject(values) ? Object.keys(values) : []),
    authMode: mode === undefined ? undefined : String(mode),
  };
}

/**
 * The settings that a request or MLflow says; MLflow 3.8 writes them as text.
 *
 * @throws ApiError 400 for text that is no JSON, or could be read in two ways, and for both.
 */
export function settingsIn(said: unknown): Readonly<Record<string, unknown>> | undefined {
  const [map, text] = [propertyAt(said, 'auth_config'), propertyAt(said, 'auth_config_json')];
  if (typeof text !== 'string' || text === '') {
    return sent(map);
  }
  if (sent(map) !== undefined) {
    throw invalid("Send either 'auth_config' or 'auth_config_json'.");
  }
  return sent(readJson(Buffer.from(text, 'utf8')));
}

/** A map that changes something: MLflow takes an empty one for none. */
function sent(map: unknown): Readonly<Record<string, unknown>> | undefined {
  return isObject(map) && Object.keys(map).length > 0 ? map : undefined;
}
