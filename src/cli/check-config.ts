import { describeDatabaseUri } from '../config/database-uri.ts';
import { PROVIDER_SETTING_NAMES, type ProviderConfig } from '../config/providers.ts';
import { Secret } from '../config/secret.ts';
import { headingOf } from '../config/written-providers.ts';
import { type Config, SETTING_NAMES } from '../config.ts';
import { ApiError } from '../errors.ts';
import { openProviders } from '../identity/oidc/provider.ts';
import { redirectUri } from '../identity/oidc/sign-in.ts';
import { keyPairFiles, readUpstreamCa } from '../listening/index.ts';
import { readKeyPair } from '../listening/key-pair.ts';
import { validityOf } from '../listening/validity.ts';
import { nameOf, survey } from '../mlflow/survey.ts';
import { createUpstream } from '../mlflow/upstream/upstream.ts';
import { ROUTES } from '../routes.ts';
import { placeOf } from '../store/engines/index.ts';
import { explain } from './explain.ts';
import { complain, type Io } from './io.ts';
import { printable } from './printable.ts';
import { runCommand } from './run-command.ts';
import { openTrialStore } from './trial-store.ts';

export interface CheckConfigOptions {
  /** Try the store, the upstream and the providers of single sign-on too. */
  readonly connect?: boolean;
}

/** Long enough for a server that is there, short enough to wait for. */
const UPSTREAM_TIMEOUT_SECONDS = 10;

/**
 * `mlflow-auth-gateway check-config`: where the settings come from, each with the value in force, and what is odd
 * about them; or every problem at once. Nothing is changed, with `connect` neither: the store is tried on a copy.
 *
 * @returns the exit code: 1 if the gateway could not start like this.
 */
export function checkConfig({ connect = false }: CheckConfigOptions, io: Io): Promise<number> {
  return runCommand(io, async ({ config, warnings, source }) => {
    io.stdout.write(`Settings from ${printable(source)}:\n\n`);
    const values = new Map<string, unknown>(Object.entries(config));
    for (const key of SETTING_NAMES) {
      io.stdout.write(
        `${key} = ${shown(key === 'database_uri' ? describeDatabaseUri(config.database_uri) : values.get(key))}\n`,
      );
    }
    showProviders(config, io);
    io.stdout.write('\n');
    for (const warning of warnings) {
      io.stdout.write(`Warning: ${printable(warning)}\n`);
    }
    const listening = await attempt(io, 'TLS', () => describeTls(config, io.clock()));
    if (!connect) {
      return listening ? 0 : 1;
    }
    const store = await attempt(io, 'The store', () => tryStore(config, io.clock));
    const upstream = await attempt(io, 'The upstream', () => tryUpstream(config, io.clock));
    const providers = await tryProviders(config, io);
    return listening && store && upstream && providers ? 0 : 1;
  });
}

function showProviders({ oidc = [] }: Config, io: Io): void {
  for (const provider of oidc) {
    io.stdout.write(`\n${headingOf(provider.name)}\n`);
    const values = new Map<string, unknown>(Object.entries(provider));
    for (const key of PROVIDER_SETTING_NAMES) {
      io.stdout.write(`${key} = ${shownOfProvider(key, values.get(key))}\n`);
    }
  }
}

function shownOfProvider(key: string, value: unknown): string {
  return key === 'service_accounts' && value !== undefined ? printable(JSON.stringify(value)) : shown(value);
}

/** Where browsers come back to; undefined where it is not known before one comes, or none does. */
function redirectUriOf(
  { name, client_id: client }: ProviderConfig,
  { public_url: url, static_prefix: prefix }: Config,
): string | undefined {
  return url === undefined || client === undefined ? undefined : redirectUri(`${url}${prefix}`, name);
}

/** Asks each provider what a sign-in will ask it; all of them, also behind one that fails. */
async function tryProviders(config: Config, io: Io): Promise<boolean> {
  const providers = openProviders(config.oidc ?? [], io.clock);
  let isRight = true;
  for (const provider of providers) {
    const found = await attempt(io, `The provider ${provider.name}`, () =>
      provider.look(redirectUriOf(provider.config, config)),
    );
    isRight &&= found;
    await provider.close();
  }
  return isRight;
}

function shown(value: unknown): string {
  if (value === undefined) {
    return '(not set)';
  }
  if (value instanceof Secret) {
    return '(set, not shown)';
  }
  return printable(Array.isArray(value) ? value.join(', ') || '(none)' : String(value));
}

/** Says what was found, or what is wrong. */
async function attempt(io: Io, what: string, look: () => Promise<string>): Promise<boolean> {
  try {
    const found = await look();
    io.stdout.write(`${what}: ${found.split('\n').map(printable).join('\n')}\n`);
    return true;
  } catch (error) {
    complain(io, `${what}: ${explain(error)}${causeOf(error)}`);
    return false;
  }
}

/** What clients are not told, but the operator needs to know. */
function causeOf(error: unknown): string {
  return error instanceof ApiError && error.cause instanceof Error ? ` (${error.cause.message})` : '';
}

/** @throws Error with a sentence, if certificate, key or authorities cannot be used. */
async function describeTls(config: Config, now: number): Promise<string> {
  readUpstreamCa(config);
  const files = keyPairFiles(config);
  if (files === undefined) {
    return 'none: the gateway speaks http';
  }
  const { endsAt, problem } = validityOf(readKeyPair(files).cert, now);
  return problem ?? `the certificate holds until ${new Date(endsAt).toISOString()}`;
}

async function tryStore({ database_uri: uri }: Config, clock: () => number): Promise<string> {
  const { store, copied, close } = await openTrialStore(uri, clock);
  try {
    placeOf(uri).checkWritable();
    if (!copied) {
      return 'there is none yet; the first start makes it';
    }
    const users = await store.users.list();
    const admins = users.filter(({ isAdmin }) => isAdmin).length;
    return `it opens; users: ${users.length}, of these admins: ${admins}`;
  } finally {
    await close();
  }
}

async function tryUpstream(config: Config, clock: () => number): Promise<string> {
  const upstream = createUpstream({
    uri: config.upstream_uri,
    host: config.upstream_host,
    staticPrefix: config.static_prefix,
    ca: readUpstreamCa(config),
    timeoutSeconds: Math.min(config.upstream_timeout_seconds, UPSTREAM_TIMEOUT_SECONDS),
    connections: 1,
    clock,
  });
  try {
    const found = await survey({
      upstream,
      uri: config.upstream_uri,
      staticPrefix: config.static_prefix,
      rows: ROUTES,
    });
    if (found.problems.length > 0) {
      throw new Error(found.problems.join('\n'));
    }
    return [nameOf(found), ...found.notes].join('\n  ');
  } finally {
    await upstream.close();
  }
}
