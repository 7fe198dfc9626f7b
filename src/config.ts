import { isIP } from 'node:net';
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { readAllowedHost } from './config/allowed-hosts.ts';
import { readDatabaseUri } from './config/database-uri.ts';
import { BCRYPT_MAX_BYTES, type PasswordProblem, passwordProblem } from './config/password-rules.ts';
import type { ProviderConfig } from './config/providers.ts';
import { Secret } from './config/secret.ts';
import { file, integer, oneOf } from './config/value-types.ts';
import { PERMISSIONS } from './policy/permissions.ts';

const PREFIX = 'MLFLOW_AUTH_';

/** DENY is for grants alone: as a default it would say no more than NO_PERMISSIONS. */
const DEFAULT_PERMISSIONS = PERMISSIONS.filter((permission) => permission !== 'DENY');
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const HOST = /^[A-Za-z0-9.:_-]+$/;

/** Every setting: type, default as it would be written, check, and what the manual says. */
export const settings = z
  .object({
    admin_username: z
      .string()
      .regex(/^[^\s:]([^:\p{Cc}]*[^\s:])?$/u, 'write a name without a colon or blanks at its ends')
      .prefault('admin')
      .describe('Name of the first administrator, created when the store holds no user yet.'),
    admin_password: z
      .string()
      .transform((value) => new Secret(value))
      .optional()
      .describe(
        'Password of the first administrator, read only when that user is created. Without it one is generated and printed once.',
      ),
    default_permission: oneOf(DEFAULT_PERMISSIONS)
      .prefault('NO_PERMISSIONS')
      .describe(
        `What a signed-in user may do where nothing is granted: ${DEFAULT_PERMISSIONS.join(', ')}. MLflow ships READ.`,
      ),
    grant_default_workspace_access: oneOf(['true', 'false'])
      .prefault('false')
      .transform((written) => written === 'true')
      .describe(
        'Whether everybody is in the workspace default of an MLflow that runs with --enable-workspaces, with default_permission, a role there or not.',
      ),
    list_users_to: oneOf(['everyone', 'admins'])
      .prefault('everyone')
      .describe(
        "To whom all users are listed, in MLflow's pages too: everyone or admins. With admins, other users find themselves in the list and who holds something on what they may change, so that reviewers can still be chosen.",
      ),
    database_uri: z
      .string()
      .superRefine((uri, { addIssue }) => {
        try {
          readDatabaseUri(uri);
        } catch (error) {
          addIssue(error instanceof Error ? error.message : String(error));
        }
      })
      .prefault('sqlite:///basic_auth.db')
      .describe(
        'Where users and grants are kept. sqlite:///basic_auth.db is relative to the working directory, sqlite:////srv/basic_auth.db is absolute; postgresql://user:password@host:port/database is a server that several gateways may share, with ?sslmode=verify-full&sslrootcert=/path for TLS.',
      ),
    database_connections: integer(1, 10_000)
      .prefault('10')
      .describe('Most connections to a PostgreSQL store at once, besides one for the news of changes.'),
    database_timeout_seconds: integer(1, 3600)
      .prefault('5')
      .describe('How long a PostgreSQL store is waited for before a request is answered with 503.'),
    upstream_uri: z
      .string()
      .refine(
        isUpstreamUri,
        'write http://host:port, https://host:port or unix:/path/to.sock, without credentials, path, query or fragment',
      )
      .prefault('http://127.0.0.1:5001')
      .describe(
        'Where MLflow listens, as the gateway sees it: http://host:port, https://host:port or unix:/path/to.sock. Nobody else should reach that address.',
      ),
    upstream_host: z
      .string()
      .regex(
        /^[A-Za-z0-9.:[\]_-]+$/,
        'write a host name, with a port if it needs one, such as mlflow.example.com',
      )
      .optional()
      .describe(
        'Host header sent to MLflow. Unless written: localhost, which every MLflow accepts, or for https the address in upstream_uri.',
      ),
    static_prefix: z
      .string()
      .refine(
        isPrefix,
        'write a path such as /mlflow: letters, digits, -._~ and slashes, none at its end; not /health or /ready',
      )
      .optional()
      .transform((prefix) => prefix ?? '')
      .describe(
        'Path below which everything is served, such as /mlflow; none unless written. MLflow is started with the same --static-prefix.',
      ),
    public_url: z
      .string()
      .refine(
        isPublicUrl,
        'write https://host or http://host, with a port if it needs one, and nothing behind it',
      )
      .optional()
      .describe(
        'What others call this gateway, such as https://mlflow.example.com: where providers of single sign-on send browsers back to. Unless written, what a browser calls it.',
      ),
    upstream_ca_file: file()
      .optional()
      .describe(
        'Certificates of the authorities that an https upstream is trusted by, in PEM; without it, those that Node.js knows. Read at the start.',
      ),
    host: z
      .string()
      .regex(HOST, 'write an address or host name, such as 127.0.0.1 or 0.0.0.0')
      .prefault('127.0.0.1')
      .describe('Address to listen on; 0.0.0.0 or :: for every interface.'),
    port: integer(0, 65_535).prefault('5000').describe('Port to listen on; 0 takes a free one.'),
    tls_cert_file: file()
      .optional()
      .describe(
        'Certificate to listen with, in PEM, those that lead to its authority behind it. With it the gateway speaks https alone. Read anew within 10 s of a change, or on SIGHUP.',
      ),
    tls_key_file: file()
      .optional()
      .describe(
        'Key of tls_cert_file, in PEM, without a passphrase. Only the gateway should be able to read it.',
      ),
    hsts_seconds: integer(0, 63_072_000)
      .prefault('0')
      .describe(
        'How long browsers are told to come by https alone (Strict-Transport-Security), once they have; 0 says nothing. It cannot be taken back before that.',
      ),
    min_password_length: integer(1, BCRYPT_MAX_BYTES)
      .prefault('12')
      .describe(
        `Fewest characters of a new password. ${BCRYPT_MAX_BYTES} bytes are the most a password can have.`,
      ),
    password_rounds: integer(4, 15)
      .prefault('12')
      .describe(
        'Cost of a password hash, as a power of two; each step doubles the time to check a password.',
      ),
    sign_in_failures: integer(1, 100_000)
      .prefault('10')
      .describe(
        'How many wrong passwords of one user from one address lock that address out for that user. Three times as many of one user from anywhere, or of one address for anybody, lock that user or address out altogether.',
      ),
    sign_in_window_seconds: integer(1, 86_400).prefault('300').describe('How long a wrong password counts.'),
    sign_in_lockout_seconds: integer(1, 86_400)
      .prefault('900')
      .describe(
        'How long a lockout lasts. Credentials that were right before go on working; an admin can lift it with mlflow-auth-client clear-lockout.',
      ),
    token_max_days: integer(0, 36_500)
      .prefault('365')
      .describe('Longest life of a token, in days; 0 for tokens that may live for ever.'),
    token_default_days: integer(1, 36_500)
      .prefault('90')
      .describe(
        'Life of a token whose maker does not say how long, in days; token_max_days if that is less and not 0.',
      ),
    basic_auth: oneOf(['on', 'api', 'off'])
      .prefault('on')
      .describe(
        'From whom passwords are taken by HTTP basic: on for everybody, api for programs alone, so that browsers sign in on the page, off for nobody. Tokens go on to be taken in its place.',
      ),
    local_sign_in: oneOf(['everybody', 'admins', 'nobody'])
      .prefault('everybody')
      .describe(
        "Whose passwords are taken, on the sign-in page and by HTTP basic: everybody's, those of admins alone, who can then still come in when a provider of single sign-on is away, or nobody's. With nobody an admin must be able to sign in by a provider. Tokens go on to be taken.",
      ),
    session_idle_minutes: integer(1, 525_600)
      .prefault('720')
      .describe('How long a session in a browser lives unused, in minutes.'),
    session_max_hours: integer(1, 8_760)
      .prefault('168')
      .describe('Longest life of a session in a browser, in hours, however often it is used.'),
    invitation_hours: integer(1, 720)
      .prefault('72')
      .describe(
        'How long the link of an invitation or of a password reset counts at most, in hours; at most 720.',
      ),
    access_requests_per_user: integer(0, 1000)
      .prefault('20')
      .describe(
        'How many requests for access to an experiment or registered model a user may have open at once; 0 lets nobody ask.',
      ),
    access_request_keep_days: integer(1, 3_650)
      .prefault('30')
      .describe('How many days a request for access is kept, answered or not.'),
    upstream_timeout_seconds: integer(1, 86_400)
      .prefault('300')
      .describe('How long the gateway waits for MLflow before it answers 504.'),
    upstream_connections: integer(1, 10_000)
      .prefault('128')
      .describe('Most connections kept open to MLflow at once.'),
    requests_per_user: integer(1, 10_000)
      .prefault('64')
      .describe(
        'Most requests of one user that are at MLflow at once; more wait their turn. Below upstream_connections, so that no single user takes all of them.',
      ),
    requests_per_address: integer(1, 10_000)
      .prefault('256')
      .describe(
        'Most requests without credentials, for files of the UI, that are answered at once to one address.',
      ),
    upstream_keep_alive: oneOf(['true', 'false'])
      .prefault('true')
      .transform((written) => written === 'true')
      .describe(
        'Whether connections to MLflow serve more than one request. With several workers over TCP, MLflow 3 stalls about 45 ms on those that do: false avoids it, for some more CPU.',
      ),
    client_timeout_seconds: integer(1, 86_400)
      .prefault('60')
      .describe(
        'How long a client may leave an answer unread, or a body half sent, before its connection is closed.',
      ),
    enforcement: oneOf(['enforce', 'report'])
      .prefault('enforce')
      .describe(
        "Whether permissions are enforced, or only reported: with report, MLflow's operations pass for everybody who has signed in, and the audit log says what would have been refused, which mlflow-auth-gateway report prints. Users, grants and roles are enforced all the same.",
      ),
    audit_reads: oneOf(['true', 'false'])
      .prefault('false')
      .transform((written) => written === 'true')
      .describe('Whether the audit log has an entry for each allowed read too; refused ones it always has.'),
    audit_keep_days: integer(1, 36_500)
      .prefault('90')
      .describe('How many days entries of the audit log are kept.'),
    audit_stdout: oneOf(['true', 'false'])
      .prefault('false')
      .transform((written) => written === 'true')
      .describe('Whether each entry of the audit log is a line of JSON on standard output too.'),
    client_least_bytes_per_second: integer(1, 1024 ** 3)
      .prefault('4096')
      .describe(
        'How slowly a client may read an answer, on average over client_timeout_seconds and over half a megabyte, before its connection is closed.',
      ),
    max_json_body_bytes: integer(1024, 1024 ** 3)
      .prefault(String(32 * 1024 ** 2))
      .describe('Longest request body that is read to be judged. Artifacts stream and have no such limit.'),
    ai_gateway_allowed_hosts: z
      .string()
      .transform((list) => list.split(',').map((entry) => entry.trim()))
      .refine(
        (list) => list.every((entry) => readAllowedHost(entry) !== undefined),
        'write hosts with commas between them, such as api.openai.com, *.openai.azure.com, models.internal:8000',
      )
      .optional()
      .describe(
        'Hosts that users who are no admins may have the AI gateway of MLflow call by the api_base of a secret, with commas between them: api.openai.com, *.openai.azure.com, models.internal:8000. Unless written: none before MLflow 3.17, which follows redirects, also to itself; from 3.17 on every public host where MLflow looks after redirects itself.',
      ),
    drain_seconds: integer(0, 3600)
      .prefault('30')
      .describe('How long requests under way may take to end after SIGTERM.'),
    metrics_port: integer(0, 65_535)
      .prefault('0')
      .describe('Port of /metrics for Prometheus, which asks for no credentials; 0 for none.'),
    metrics_host: z
      .string()
      .regex(HOST, 'write an address or host name, such as 127.0.0.1 or 0.0.0.0')
      .prefault('127.0.0.1')
      .describe('Address that /metrics listens on. Nobody but Prometheus should reach it.'),
    log_level: oneOf(LOG_LEVELS)
      .prefault('info')
      .describe(`How much is logged: ${LOG_LEVELS.join(', ')}.`),
    trusted_proxies: z
      .string()
      .transform((list) => list.split(',').map((entry) => entry.trim()))
      .refine(
        (list) => list.every(isProxy),
        'write addresses, networks or hosts with commas between them, such as 10.0.0.7, 192.168.0.0/16, loopback, proxy.example.com; not every address at once',
      )
      .optional()
      .transform((list) => list ?? [])
      .describe(
        'Proxies whose X-Forwarded-* headers are believed, with commas between them: addresses, networks, loopback, linklocal, uniquelocal (private networks), or names of hosts, which are looked up again every 10 s. None unless written.',
      ),
  })
  .refine((read) => missingOfPair(read) === undefined, {
    error: 'write tls_cert_file and tls_key_file both, or neither',
    path: ['tls_cert_file'],
    when: ({ value }) => missingOfPair(value) !== undefined,
  })
  .refine((read) => adminPasswordProblem(read) === undefined, {
    path: ['admin_password'],
    error: ({ input }) => adminPasswordProblem(input) ?? '',
    // Checked even when other keys are wrong, so that every problem is named at once.
    when: ({ value }) => adminPasswordProblem(value) !== undefined,
  });

/** The settings, checked; keys are spelled as in the file. */
export type Config = z.output<typeof settings> & {
  /** The providers of single sign-on, each from a section of its own; none if left out. */
  readonly oidc?: readonly ProviderConfig[];
};

/**
 * Settings that protect something. The start stops at a name that is one letter off one of them: the setting that was
 * meant would silently not hold.
 */
export const PROTECTING_SETTINGS: readonly (keyof Config)[] = [
  'admin_password',
  'default_permission',
  'list_users_to',
  'basic_auth',
  'local_sign_in',
];

/** The names of all settings, in the order of the manual. */
export const SETTING_NAMES: readonly string[] = Object.keys(settings.shape);

/** The variable that overrules a key. */
export function variableOf(key: string): string {
  return PREFIX + key.toUpperCase();
}

/** The one of certificate and key that is not written, where the other is. */
function missingOfPair(read: unknown): 'tls_cert_file' | 'tls_key_file' | undefined {
  const { tls_cert_file: cert, tls_key_file: key } = Object(read);
  if ((cert === undefined) === (key === undefined)) {
    return undefined;
  }
  return cert === undefined ? 'tls_cert_file' : 'tls_key_file';
}

function adminPasswordProblem(read: unknown): string | undefined {
  const { admin_password: secret, min_password_length: minLength } = Object(read);
  if (!(secret instanceof Secret)) {
    return undefined;
  }
  const problem = passwordProblem(secret.reveal(), minLength);
  return problem && WHAT_TO_WRITE[problem](minLength);
}

const WHAT_TO_WRITE: Readonly<Record<PasswordProblem, (minLength: number) => string>> = {
  short: (minLength) => `write at least ${minLength} characters (min_password_length)`,
  common: () => 'this is one of the commonest passwords: write another, or leave it out',
  known: () => 'this is a default that everyone knows: write another, or leave it out',
  long: () => `write at most ${BCRYPT_MAX_BYTES} bytes`,
  unreadable: () => 'write text without a zero byte',
};

function isPrefix(prefix: string): boolean {
  return /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)+$/.test(prefix) && !/^\/(?:health|ready)$/.test(prefix);
}

function isUpstreamUri(uri: string): boolean {
  if (uri.startsWith('unix:')) {
    return isAbsolute(uri.slice('unix:'.length)) && !uri.includes('\0');
  }
  return /^https?:\/\/[^\s/@?#\\]+\/?$/.test(uri) && URL.canParse(uri);
}

function isPublicUrl(url: string): boolean {
  return /^https?:\/\/[^\s/@?#\\]+$/.test(url) && URL.canParse(url);
}

/** What others write for every address; no host is called so. */
const EVERYBODY = ['true', 'false', 'all', 'any', 'none'];

function isProxy(text: string): boolean {
  // Not of digits and dots alone: an address with a slip in it is no name.
  const isName = /^(?=.*[a-z])[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/i.test(text);
  return isNetwork(text) || (isName && !EVERYBODY.includes(text.toLowerCase()));
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) {
    return false;
  }
  if (bits === undefined) {
    return true;
  }
  // A network of all addresses would let any client name itself.
  return /^[1-9][0-9]{0,2}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}
