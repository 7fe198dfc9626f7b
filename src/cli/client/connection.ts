import { fileProblem } from '../../config/file-problem.ts';
import { unusable } from '../failure.ts';
import { CREDENTIALS_FILE, readCredentialsFile } from './credentials-file.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Where the server is and how to speak to it. */
export interface Connection {
  /** `http(s)://host[:port][/prefix]`, without credentials and without a slash at the end. */
  readonly baseUri: string;
  readonly authorization: string | undefined;
  /** The workspace of MLflow that requests are about; undefined for the one that MLflow takes by itself. */
  readonly workspace?: string | undefined;
  /** What Basic credentials name, when they are what is used. */
  readonly basic: Credentials | undefined;
  /** The user who is named, where there is neither a password nor anything in its place. */
  readonly nameAlone: string | undefined;
  /** What is odd about the settings, a sentence each. */
  readonly warnings: readonly string[];
  readonly tls: {
    readonly rejectUnauthorized: boolean;
    /** PEM texts that replace the certificate authorities of the system. */
    readonly ca: string | undefined;
    /** One PEM text with the client's certificate and its key. */
    readonly clientPem: string | undefined;
  };
  readonly proxies: { readonly http: string; readonly https: string; readonly except: string };
}

/** What a connection is read from. */
export interface ConnectionSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** The text of a file; of a directory, the texts of its files joined; throws where there is neither. */
  readonly readFile: (path: string) => string;
  /** Whether other accounts of this machine may read a file. */
  readonly isOpenToOthers: (path: string) => boolean;
  /** `--tracking-uri`. */
  readonly trackingUri: string | undefined;
}

/**
 * Reads the settings that MLflow's own client reads, with its precedence: the environment before
 * `~/.mlflow/credentials`, each of user name and password by itself, and a user name with a password before
 * a token. Credentials within the URI win over all of them, as they do in `requests`.
 *
 * An empty variable counts as unset; for MLflow an empty `MLFLOW_TRACKING_SERVER_CERT_PATH` would turn the
 * check of certificates off.
 *
 * @see mlflow/utils/credentials.py, mlflow/utils/rest_utils.py (`http_request`, `MlflowHostCreds`)
 * @throws CommandFailure (exit code 2) that names the setting and what to write.
 */
export function readConnection(sources: ConnectionSources): Connection {
  const setting = (...names: string[]) => names.map((name) => sources.env[name]).find((value) => value);
  const uri = readTrackingUri(sources.trackingUri || setting('MLFLOW_TRACKING_URI'));
  const found = findCredentials(sources, setting);
  const basic = basicOf(uri) ?? found.basic;
  const token = setting('MLFLOW_TRACKING_TOKEN');
  const insecure = readFlag('MLFLOW_TRACKING_INSECURE_TLS', setting('MLFLOW_TRACKING_INSECURE_TLS'));
  const serverCertPath = setting('MLFLOW_TRACKING_SERVER_CERT_PATH');
  if (insecure && serverCertPath !== undefined) {
    throw unusable('Set only one of MLFLOW_TRACKING_INSECURE_TLS and MLFLOW_TRACKING_SERVER_CERT_PATH.');
  }
  // requests, underneath MLflow, falls back to these two bundles.
  const [caName, caPath] = serverCertPath
    ? ['MLFLOW_TRACKING_SERVER_CERT_PATH', serverCertPath]
    : ['REQUESTS_CA_BUNDLE', insecure ? undefined : setting('REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE')];
  const clientCertPath = setting('MLFLOW_TRACKING_CLIENT_CERT_PATH');
  const https = uri.protocol === 'https:';
  const httpProxy = setting('http_proxy', 'HTTP_PROXY') ?? '';
  return {
    baseUri: `${uri.origin}${uri.pathname}`.replace(/\/+$/, ''),
    authorization: basic ? basicHeader(basic) : token && `Bearer ${token}`,
    workspace: setting('MLFLOW_WORKSPACE')?.trim() || undefined,
    basic,
    nameAlone: basic === undefined && token === undefined ? found.username : undefined,
    warnings: found.warnings,
    tls: {
      rejectUnauthorized: !insecure,
      ca: https ? readPem(sources, caName, caPath) : undefined,
      clientPem: https ? readPem(sources, 'MLFLOW_TRACKING_CLIENT_CERT_PATH', clientCertPath) : undefined,
    },
    proxies: {
      http: httpProxy,
      https: setting('https_proxy', 'HTTPS_PROXY') ?? httpProxy,
      except: setting('no_proxy', 'NO_PROXY') ?? '',
    },
  };
}

/** A connection that is signed in with a password that was asked for. */
export function withPassword(connection: Connection, credentials: Credentials): Connection {
  return { ...connection, authorization: basicHeader(credentials), basic: credentials, nameAlone: undefined };
}

/** A connection that nobody is signed in on. */
export function withoutCredentials(connection: Connection): Connection {
  return { ...connection, authorization: undefined, basic: undefined, nameAlone: undefined };
}

function basicHeader({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function readTrackingUri(text: string | undefined): URL {
  if (text === undefined) {
    throw unusable(
      "Where is the server? Set MLFLOW_TRACKING_URI to the gateway's address, or pass --tracking-uri http://HOST:PORT.",
    );
  }
  const uri = URL.canParse(text) ? new URL(text) : undefined;
  if (uri === undefined || !['http:', 'https:'].includes(uri.protocol) || uri.hostname === '') {
    // The text itself is not repeated: it may hold a password.
    throw unusable('The tracking URI must be an address like http://HOST:PORT or https://HOST.');
  }
  return uri;
}

function basicOf(uri: URL): Connection['basic'] {
  return uri.username === ''
    ? undefined
    : { username: decodeUserInfo(uri.username), password: decodeUserInfo(uri.password) };
}

function decodeUserInfo(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

interface FoundCredentials {
  readonly basic: Credentials | undefined;
  readonly username: string | undefined;
  readonly warnings: readonly string[];
}

function findCredentials(
  { home, readFile, isOpenToOthers }: ConnectionSources,
  setting: (name: string) => string | undefined,
): FoundCredentials {
  const own = {
    username: setting('MLFLOW_TRACKING_USERNAME'),
    password: setting('MLFLOW_TRACKING_PASSWORD'),
  };
  const path = CREDENTIALS_FILE.replace('~', home);
  const file =
    own.username && own.password
      ? undefined
      : readCredentialsFile(readIfThere(readFile, path), CREDENTIALS_FILE);
  const username = own.username || file?.username;
  const password = own.password || file?.password;
  const warnings =
    file?.password && isOpenToOthers(path)
      ? [
          `other accounts of this machine may read the password in ${CREDENTIALS_FILE}: chmod 600 ${CREDENTIALS_FILE}`,
        ]
      : [];
  return { basic: username && password ? { username, password } : undefined, username, warnings };
}

function readIfThere(readFile: (path: string) => string, path: string): string {
  try {
    return readFile(path);
  } catch {
    return '';
  }
}

function readFlag(name: string, value: string | undefined): boolean {
  const flags: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false };
  const flag = value === undefined ? false : flags[value.toLowerCase()];
  if (flag === undefined) {
    throw unusable(`${name} must be true or false.`);
  }
  return flag;
}

function readPem(
  { readFile }: ConnectionSources,
  name: string,
  path: string | undefined,
): string | undefined {
  if (path === undefined) {
    return undefined;
  }
  try {
    return readFile(path);
  } catch (error) {
    throw unusable(`${name}: ${path} cannot be read: ${fileProblem(error, 'read')}. Name a PEM file.`);
  }
}
