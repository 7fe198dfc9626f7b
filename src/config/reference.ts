import { z } from 'zod';
import { settings, variableOf } from '../config.ts';
import { SECTION } from './load-config.ts';
import { PROVIDER_SECTION, providerSettings } from './providers.ts';

const WIDTH = 100;

/** The text of `config/reference.ini`: every setting with its meaning, its variable and its default. */
export function renderReference(): string {
  const intro = comment(
    "Every setting of the gateway with its default. Generated from src/config.ts by npm run docs: change it there. Values are read as Python's configparser reads them: everything after = belongs to the value, a percent sign is written twice. The variable named beside each setting overrules the file.",
  );
  const entries = entriesOf(settings.shape, variableOf);
  return `${intro}\n[${SECTION}]\n\n${entries.join('\n')}\n${renderProvider()}`;
}

/** The part about a provider of single sign-on, all of it in comments: there is none unless its section is written. */
export function renderProvider(): string {
  const intro = comment(
    'Single sign-on: a section for each provider, under a name of your choice. docs/single-sign-on.md has them for Keycloak and others.',
  );
  const entries = entriesOf(providerSettings.shape, (key) =>
    variableOf(`${PROVIDER_SECTION}NAME_${key}`).replace('.', '_'),
  );
  return `${intro}\n# [${PROVIDER_SECTION}NAME]\n\n${entries.join('\n')}`;
}

function entriesOf(
  shape: Readonly<Record<string, z.ZodType>>,
  variable: (key: string) => string,
): readonly string[] {
  return Object.entries(shape).map(([key, schema]) => {
    const written = defaultOf(schema);
    return `${comment(schema.description ?? '')}\n# ${variable(key)}\n# ${key} =${written && ` ${written.replaceAll('%', '%%')}`}\n`;
  });
}

/** The default as it would be written; nothing where there is none. */
function defaultOf({ def }: z.ZodType): string {
  if ('defaultValue' in def) {
    return String(def.defaultValue);
  }
  // Of a value that is made into another, what is written comes first.
  return 'in' in def && def.in instanceof z.ZodType ? defaultOf(def.in) : '';
}

function comment(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line.length + word.length < WIDTH - 2) {
      lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
    } else {
      lines.push(word);
    }
  }
  return lines.map((line) => `# ${line}`).join('\n');
}
