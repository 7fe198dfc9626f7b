import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { fileProblem } from './file-problem.ts';
import { Secret } from './secret.ts';

/** Where a store lives. */
export type DatabaseLocation = SqliteLocation | PostgresqlLocation;

export interface SqliteLocation {
  readonly product: 'sqlite';
  /** An absolute path; undefined for a store that ends with the process. */
  readonly file: string | undefined;
}

export interface PostgresqlLocation {
  readonly product: 'postgresql';
  /** A name, an address, or the directory of a unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: Secret | undefined;
  readonly database: string;
  /** What the connection is encrypted and the server recognised by; false for a connection in the clear. */
  readonly ssl: false | ConnectionOptions;
}

/** How `?sslmode=` is understood: as libpq does, but that a connection is never left to chance. */
const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full'] as const;
type SslMode = (typeof SSL_MODES)[number];

/** The options that may stand behind the `?` of a PostgreSQL URI. */
const OPTIONS = ['host', 'port', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey'] as const;

const DEFAULT_PORT = 5432;
/** Where distributions put the socket. */
const SOCKET_DIRECTORY = '/var/run/postgresql';

/** How the URIs of one product are read. */
interface Product<Location extends DatabaseLocation> {
  /** What they begin with, before the colon and the name of a driver. */
  readonly schemes: readonly string[];
  /** What to write. */
  readonly form: string;
  /** @throws Error with what to write instead. */
  read(uri: string): Location;
}

const PRODUCTS: { readonly [P in DatabaseLocation['product']]: Product<DatabaseLocation & { product: P }> } =
  {
    sqlite: { schemes: ['sqlite'], form: 'sqlite:///path/to/file.db', read: readSqlite },
    postgresql: {
      schemes: ['postgresql', 'postgres'],
      form: 'postgresql://user:password@host:port/database',
      read: readPostgresql,
    },
  };

/** Those that people who know MLflow may expect. */
const NOT_OFFERED: ReadonlyMap<string, string> = new Map(
  ['mysql', 'mariadb'].map((scheme) => [scheme, 'MySQL and MariaDB are not offered']),
);

/** What `database_uri` may look like, one form for each product. */
export const DATABASE_FORMS: readonly string[] = Object.values(PRODUCTS).map(({ form }) => form);

/**
 * Reads a SQLAlchemy URI: `sqlite:///relative.db` (from the working directory), `sqlite:////absolute.db`, `sqlite://` and
 * `sqlite:///:memory:` for a store that ends with the process, `postgresql://user:password@host:port/database` with
 * `?sslmode=verify-full` and its like. A driver's name, as in `postgresql+psycopg2`, means nothing here.
 *
 * @throws Error with what to write instead; never repeats the URI, which may hold a password.
 * @see https://docs.sqlalchemy.org/en/20/core/engines.html
 */
export function readDatabaseUri(uri: string): DatabaseLocation {
  const scheme = /^([A-Za-z0-9]+)(?:\+[A-Za-z0-9]+)?:/.exec(uri)?.[1] ?? '';
  const products: readonly Product<DatabaseLocation>[] = Object.values(PRODUCTS);
  const product = products.find(({ schemes }) => schemes.includes(scheme));
  if (product === undefined) {
    throw new Error(
      `write ${DATABASE_FORMS.join(' or ')}: ${NOT_OFFERED.get(scheme) ?? 'no other database is offered'}`,
    );
  }
  return product.read(uri);
}

/** The URI of a store in a file. */
export const uriOfFile = (file: string): string => `sqlite:///${file}`;

/** The URI of a store that ends with the process. */
export const IN_MEMORY = 'sqlite://';

function readSqlite(uri: string): SqliteLocation {
  const path = /^sqlite(?:\+pysqlite)?:\/\/(.*)$/s.exec(uri)?.[1];
  if (path === undefined) {
    throw new Error('write sqlite:///path/to/file.db');
  }
  if (path === '' || path === '/' || path === '/:memory:') {
    return { product: 'sqlite', file: undefined };
  }
  if (!path.startsWith('/')) {
    throw new Error(
      'write three slashes before a relative file (sqlite:///file.db), four before an absolute one',
    );
  }
  if (/[?#\0]/.test(path)) {
    throw new Error('write no options behind the file name');
  }
  return { product: 'sqlite', file: resolve(path.slice(1)) };
}

/** RFC 6761, section 6.4: never the name of anything. */
const NO_HOST = 'socket.invalid';

const POSTGRESQL_FORM = `write ${PRODUCTS.postgresql.form}`;

function readPostgresql(uri: string): PostgresqlLocation {
  const rest = uri.slice(uri.indexOf(':') + 1);
  // Without a host the server is asked through its socket; the URL standard knows no user without a host.
  const address = `postgresql:${rest.replace(/^(\/\/[^/@]*@)(?=\/)/, `$1${NO_HOST}`)}`;
  if (!rest.startsWith('//') || !URL.canParse(address)) {
    throw new Error(`${POSTGRESQL_FORM}, with %-escapes for what has a meaning in an address (@ is %40)`);
  }
  const { username, password, hostname, port, pathname, searchParams, hash } = new URL(address);
  const database = decoded(pathname.slice(1));
  if (username === '') {
    throw new Error(`${POSTGRESQL_FORM}: the user is missing`);
  }
  if (database === '' || database.includes('/') || hash !== '') {
    throw new Error(`${POSTGRESQL_FORM}: the database is missing, or more stands behind it`);
  }
  const options = readOptions(searchParams);
  const host =
    options.host ?? (hostname === NO_HOST ? SOCKET_DIRECTORY : decoded(hostname.replace(/^\[(.*)\]$/, '$1')));
  return {
    product: 'postgresql',
    host,
    port: readPort(options.port ?? port),
    user: decoded(username),
    password: password === '' ? undefined : new Secret(decoded(password)),
    database,
    ssl: readSsl(options, host),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error(`${POSTGRESQL_FORM}, with %25 for a percent sign`);
  }
}

type Options = { readonly [name in (typeof OPTIONS)[number]]?: string };

function readOptions(given: URLSearchParams): Options {
  const options: Record<string, string> = {};
  for (const [name, value] of given) {
    if (!OPTIONS.some((known) => known === name) || name in options) {
      throw new Error(`write no options behind the database but ${OPTIONS.join(', ')}, each once`);
    }
    options[name] = value;
  }
  return options;
}

function readPort(text: string): number {
  const port = text === '' ? DEFAULT_PORT : Number(text);
  if (!/^[0-9]*$/.test(text) || port < 1 || port > 65_535) {
    throw new Error('write a port from 1 to 65535');
  }
  return port;
}

function readSsl(options: Options, host: string): false | ConnectionOptions {
  const mode = SSL_MODES.find((known) => known === (options.sslmode ?? 'disable'));
  if (mode === undefined) {
    throw new Error(`write one of ${SSL_MODES.join(', ')} as sslmode`);
  }
  if (mode === 'disable') {
    return false;
  }
  const checks = CHECKS[mode];
  return {
    ...checks(options.sslrootcert !== undefined),
    // A name to hold against the certificate; an address has none to ask for.
    ...(isIP(host) === 0 && !host.startsWith('/') && { servername: host }),
    ...(options.sslrootcert !== undefined && { ca: readPem('sslrootcert', options.sslrootcert) }),
    ...(options.sslcert !== undefined && { cert: readPem('sslcert', options.sslcert) }),
    ...(options.sslkey !== undefined && { key: readPem('sslkey', options.sslkey) }),
  };
}

/** What each mode asks of the server's certificate, as libpq has it: with an authority named, `require` is `verify-ca`. */
const CHECKS: Readonly<Record<Exclude<SslMode, 'disable'>, (hasAuthority: boolean) => ConnectionOptions>> = {
  require: (hasAuthority) => ({ rejectUnauthorized: hasAuthority, checkServerIdentity: () => undefined }),
  'verify-ca': () => ({ rejectUnauthorized: true, checkServerIdentity: () => undefined }),
  'verify-full': () => ({ rejectUnauthorized: true }),
};

function readPem(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`the file of ${option} cannot be used: ${fileProblem(error, 'read')}`, { cause: error });
  }
}

/** A URI for people to read: without its password. */
export function describeDatabaseUri(uri: string): string {
  return uri.replace(/^([^:]+:\/\/[^:/@]*):.*@/s, '$1:…@');
}
