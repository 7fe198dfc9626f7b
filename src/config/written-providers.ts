import { nearestName } from './nearest-name.ts';
import {
  PROVIDER_SECTION,
  PROVIDER_SETTING_NAMES,
  providerNameIn,
  providerNameProblem,
  type WrittenProviders,
  type WrittenSetting,
} from './providers.ts';
import { type Ini, interpolate } from './read-ini.ts';

/** What one place says about providers. */
export interface ProvidersIn {
  readonly written: WrittenProviders;
  readonly problems: readonly string[];
}

/**
 * Reads the sections `[oidc.NAME]` of a file. A key that is not known is a problem: one that was to protect something
 * would silently not hold.
 */
export function providersInFile(ini: Ini, file: string): ProvidersIn {
  const written = new Map<string, ReadonlyMap<string, WrittenSetting>>();
  const problems: string[] = [];
  for (const section of ini.sections) {
    const name = providerNameIn(section);
    if (name === undefined) {
      continue;
    }
    const nameProblem = providerNameProblem(name);
    if (nameProblem !== undefined) {
      problems.push(`[${section}] in ${file}: ${nameProblem}`);
    }
    const values = new Map<string, WrittenSetting>();
    for (const problem of ini.section(section)?.problems ?? []) {
      problems.push(`${file}: ${problem}`);
    }
    for (const [key, value] of ini.section(section)?.values ?? []) {
      const origin = `${key} of [${section}] in ${file}`;
      const text = interpolate(value);
      if (!PROVIDER_SETTING_NAMES.includes(key)) {
        problems.push(`${origin} is not a setting of a provider${meant(key)}`);
      } else if (text === undefined) {
        problems.push(`${origin}: write %% for a percent sign; %(…)s is not supported`);
      } else if (text !== '') {
        values.set(key, { text, origin });
      }
    }
    written.set(name, values);
  }
  return { written, problems };
}

/** The variables of providers begin with this, behind the prefix of all. */
const PROVIDER_VARIABLE = 'OIDC_';

/**
 * Reads the variables `…OIDC_NAME_KEY`. A dash in a name is an underscore there, so that the name ends where the longest
 * key begins.
 *
 * @param prefix - what the variables of all settings begin with.
 */
export function providersInVariables(
  env: Readonly<Record<string, string | undefined>>,
  prefix: string,
): ProvidersIn & { readonly read: ReadonlySet<string> } {
  const written = new Map<string, Map<string, WrittenSetting>>();
  const problems: string[] = [];
  const read = new Set<string>();
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(prefix + PROVIDER_VARIABLE) || !text) {
      continue;
    }
    read.add(variable);
    const rest = variable.slice(prefix.length + PROVIDER_VARIABLE.length);
    const key = PROVIDER_SETTING_NAMES.filter((each) => rest.endsWith(`_${each.toUpperCase()}`))
      .toSorted((one, other) => other.length - one.length)
      .at(0);
    const name = rest
      .slice(0, -(key ?? '').length - 1)
      .toLowerCase()
      .replaceAll('_', '-');
    if (key === undefined || providerNameProblem(name) !== undefined) {
      problems.push(
        `${variable} is not a setting: write ${prefix}${PROVIDER_VARIABLE}NAME_KEY, such as ${prefix}${PROVIDER_VARIABLE}KEYCLOAK_ISSUER`,
      );
      continue;
    }
    const values = written.get(name) ?? new Map<string, WrittenSetting>();
    values.set(key, { text, origin: variable });
    written.set(name, values);
  }
  return { written, problems, read };
}

/** Puts what a second place says over what the first one does, key by key. */
export function overruled(first: WrittenProviders, second: WrittenProviders): WrittenProviders {
  const names = new Set([...first.keys(), ...second.keys()]);
  return new Map(
    [...names].map((name) => [name, new Map([...(first.get(name) ?? []), ...(second.get(name) ?? [])])]),
  );
}

function meant(key: string): string {
  const nearest = nearestName(key, PROVIDER_SETTING_NAMES);
  return nearest === undefined ? '' : `: did you mean ${nearest}?`;
}

/** How a section of a provider is headed. */
export const headingOf = (name: string): string => `[${PROVIDER_SECTION}${name}]`;
