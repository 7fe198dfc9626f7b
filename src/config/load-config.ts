import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Config, PROTECTING_SETTINGS, SETTING_NAMES, settings, variableOf } from '../config.ts';
import { fileProblem } from './file-problem.ts';
import { editDistance, nearestName } from './nearest-name.ts';
import { type ProviderConfig, providerNameIn, readProviders } from './providers.ts';
import { type IniSection, interpolate, readIni } from './read-ini.ts';
import { overruled, type ProvidersIn, providersInFile, providersInVariables } from './written-providers.ts';

/** The section of the INI file that is read: MLflow's own. */
export const SECTION = 'mlflow';
/** Where the INI file is looked for unless MLFLOW_AUTH_CONFIG_PATH names another. */
const DEFAULT_CONFIG_PATH = 'config/basic-auth.ini';
const PATH_VARIABLE = variableOf('config_path');

/** Keys and variables of MLflow's own auth app that have no counterpart here. */
const IGNORED_KEYS = [
  'authorization_function',
  'workspace_cache_max_size',
  'workspace_cache_ttl_seconds',
  'auth_cache_max_size',
  'auth_cache_ttl_seconds',
  'read_database_uri',
];
const IGNORED_VARIABLES = ['MLFLOW_FLASK_SERVER_SECRET_KEY', 'MLFLOW_AUTH_ADMIN_BOOTSTRAPPED'];

/** Addresses that only this machine reaches. */
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/i;

/** Below this many rounds a stolen hash is cheap to guess. */
const WISE_ROUNDS = 10;

/** Everything that is wrong with a configuration, each problem with the name and what to write. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

export interface ConfigSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What holds where neither file nor variable says anything, in place of the schema's own defaults. */
  readonly defaults?: Readonly<Record<string, string>>;
  /** Relative paths start here. */
  readonly cwd: string;
  /** Reads a file as UTF-8; throws as `fs.readFileSync` does. */
  readonly readFile?: (path: string) => string;
}

export interface LoadedConfig {
  readonly config: Config;
  /** Names of the settings that were written, in the file or as a variable. */
  readonly written: ReadonlySet<string>;
  /** One sentence each, to be logged. */
  readonly warnings: readonly string[];
  /** Where the settings came from, for a log line. */
  readonly source: string;
}

/** What was written in one place. */
interface Written {
  /** By key: the text, and the name by which a message finds it. */
  readonly values: ReadonlyMap<string, { readonly text: string; readonly origin: string }>;
  readonly warnings: readonly string[];
  readonly problems: readonly string[];
  /** What is written about the providers of single sign-on. */
  readonly providers: ProvidersIn['written'];
}

/**
 * Reads the section `[mlflow]` of the INI file that MLFLOW_AUTH_CONFIG_PATH names and those of providers, lets each
 * variable MLFLOW_AUTH_<KEY> overrule the key it is named after, and checks everything. An empty value counts as not set.
 *
 * @throws ConfigError naming every problem at once.
 */
export function loadConfig({ env, cwd, defaults = {}, readFile = readUtf8 }: ConfigSources): LoadedConfig {
  const { source, ...file } = readSettingsFile(env, cwd, readFile);
  const variables = readVariables(env);
  const values = new Map([...file.values, ...variables.values]);
  const texts = [...values].map(([key, { text }]) => [key, text] as const);
  const originOf = (key: string) => values.get(key)?.origin ?? key;
  const hintAt = (key: string) => (isQuoted(values.get(key)?.text ?? '') ? ', without quotes' : '');

  const result = settings.safeParse({ ...defaults, ...Object.fromEntries(texts) });
  const oidc = readProviders(overruled(file.providers, variables.providers));
  const problems = [
    ...file.problems,
    ...variables.problems,
    ...oidc.problems,
    ...lockedOut(result.data, oidc.providers, originOf),
    ...(result.error?.issues ?? [])
      .map(({ path, message }) => ({ key: String(path[0]), message }))
      .map(({ key, message }) => `${originOf(key)}: ${message}${hintAt(key)}`),
  ];
  if (problems.length > 0 || !result.success) {
    throw new ConfigError(problems);
  }
  const warnings = [
    ...file.warnings,
    ...variables.warnings,
    ...[...values.values()].filter(({ text }) => isQuoted(text)).map(({ origin }) => quotesMeant(origin)),
    ...unwise(result.data, originOf),
  ];
  const config = { ...result.data, ...(oidc.providers.length > 0 && { oidc: oidc.providers }) };
  return { config, written: new Set(values.keys()), warnings, source };
}

/** Settings with which nobody could sign in at all. */
function lockedOut(
  config: Config | undefined,
  providers: readonly ProviderConfig[],
  originOf: (key: string) => string,
): readonly string[] {
  return config?.local_sign_in === 'nobody' && providers.every(({ client_id: id }) => id === undefined)
    ? [
        `${originOf('local_sign_in')}: with nobody, name a provider by which users sign in in a browser: a section [oidc.NAME] with issuer and client_id`,
      ]
    : [];
}

/** Settings that can be meant, but seldom are. */
function unwise(config: Config, originOf: (key: string) => string): readonly string[] {
  const { password_rounds: rounds, host, trusted_proxies: proxies, tls_cert_file: cert } = config;
  const { upstream_uri: upstream, upstream_ca_file: ca, hsts_seconds: hsts } = config;
  return [
    ...(rounds < WISE_ROUNDS
      ? [
          `${originOf('password_rounds')} is below ${WISE_ROUNDS}: stolen password hashes would be cheap to guess.`,
        ]
      : []),
    ...(!LOOPBACK.test(host) && proxies.length === 0 && cert === undefined
      ? [
          `${originOf('host')} is ${host}: clients on other machines send passwords readably. Set tls_cert_file and tls_key_file, or put a proxy with TLS in front and name it in trusted_proxies.`,
        ]
      : []),
    ...(ca !== undefined && !upstream.startsWith('https:')
      ? [`${originOf('upstream_ca_file')} is not used: upstream_uri is not https.`]
      : []),
    ...(hsts > 0 && cert === undefined && proxies.length === 0
      ? [`${originOf('hsts_seconds')} is not used: nobody comes by https.`]
      : []),
  ];
}

/** A shell takes quotes away; an INI file and `docker run --env-file` do not. */
function isQuoted(text: string): boolean {
  return text.length > 1 && /^(["']).*\1$/s.test(text);
}

function quotesMeant(origin: string): string {
  return `${origin} stands in quotes, which are taken as part of the value: leave them out unless they are meant.`;
}

function readVariables(env: ConfigSources['env']): Written {
  const values = new Map<string, { text: string; origin: string }>();
  const warnings: string[] = [];
  const problems: string[] = [];
  const prefix = variableOf('');
  const ofProviders = providersInVariables(env, prefix);
  problems.push(...ofProviders.problems);
  for (const [variable, text] of Object.entries(env)) {
    if (!text || variable === PATH_VARIABLE || ofProviders.read.has(variable)) {
      continue;
    }
    const key = variable.startsWith(prefix) ? variable.slice(prefix.length).toLowerCase() : undefined;
    if (key !== undefined && variable === variableOf(key) && isKnown(key)) {
      values.set(key, { text, origin: variable });
      continue;
    }
    const misspelled = misspelledBy(variable.toUpperCase(), PROTECTING_SETTINGS.map(variableOf));
    if (misspelled !== undefined) {
      problems.push(`${variable} is not a setting: write ${misspelled}`);
    } else if (key !== undefined || IGNORED_VARIABLES.includes(variable)) {
      const ignored = [...IGNORED_VARIABLES, ...IGNORED_KEYS.map(variableOf)];
      const known = [PATH_VARIABLE, ...SETTING_NAMES.map(variableOf)];
      warnings.push(unknownName(variable, variable.toUpperCase(), ignored, known));
    }
  }
  return { values, warnings, problems, providers: ofProviders.written };
}

function readSettingsFile(
  env: ConfigSources['env'],
  cwd: string,
  readFile: (path: string) => string,
): Written & { readonly source: string } {
  const named = env[PATH_VARIABLE] || undefined;
  const name = named ?? DEFAULT_CONFIG_PATH;
  const nothing = { source: name, values: new Map(), warnings: [], problems: [], providers: new Map() };
  let text: string;
  try {
    text = readFile(resolve(cwd, name));
  } catch (error) {
    if (named === undefined && error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return { ...nothing, source: 'defaults and environment' };
    }
    const variable = named === undefined ? '' : `${PATH_VARIABLE}: `;
    return { ...nothing, problems: [`${variable}${name}: ${fileProblem(error, 'read')}`] };
  }
  const file = readIni(text);
  const section = file.section(SECTION) ?? {
    values: new Map(),
    problems: [`there is no section [${SECTION}]: write [${SECTION}] above the keys`],
  };
  const problems = [...file.problems, ...section.problems].map((problem) => `${name}: ${problem}`);
  const read = readSection(section, name);
  const ofProviders = providersInFile(file, name);
  const others = file.sections.filter((other) => other !== SECTION && providerNameIn(other) === undefined);
  const unread = others.map((other) => `The section [${other}] in ${name} is not read.`);
  return {
    values: read.values,
    warnings: [...unread, ...read.warnings],
    problems: [...problems, ...read.problems, ...ofProviders.problems],
    providers: ofProviders.written,
    source: name,
  };
}

function readSection(section: IniSection, file: string): Omit<Written, 'providers'> {
  const values = new Map<string, { text: string; origin: string }>();
  const warnings: string[] = [];
  const problems: string[] = [];
  for (const [key, value] of section.values) {
    const origin = `${key} in ${file}`;
    const text = interpolate(value);
    const misspelled = isKnown(key) ? undefined : misspelledBy(key, PROTECTING_SETTINGS);
    if (misspelled !== undefined) {
      problems.push(`${origin} is not a setting: write ${misspelled}`);
    } else if (!isKnown(key)) {
      warnings.push(unknownName(origin, key, IGNORED_KEYS, SETTING_NAMES));
    } else if (text === undefined) {
      problems.push(`${origin}: write %% for a percent sign; %(…)s is not supported`);
    } else if (text !== '') {
      values.set(key, { text, origin });
    }
  }
  return { values, warnings, problems };
}

function readUtf8(path: string): string {
  return readFileSync(path, 'utf8');
}

function isKnown(key: string): key is keyof Config {
  return Object.hasOwn(settings.shape, key);
}

/** Which of these names a name was to be that is one letter off it. */
function misspelledBy(name: string, names: readonly string[]): string | undefined {
  return names.find((each) => editDistance(name, each) <= 1);
}

function unknownName(
  shown: string,
  name: string,
  ignored: readonly string[],
  known: readonly string[],
): string {
  if (ignored.includes(name)) {
    return `${shown} is ignored: it is a setting of MLflow that means nothing here.`;
  }
  const nearest = nearestName(name, known);
  return `${shown} is not a setting${nearest === undefined ? '.' : `; did you mean ${nearest}?`}`;
}
