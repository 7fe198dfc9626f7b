import { z } from 'zod';
import { settings, variableOf } from '../config.ts';
import { SECTION } from './load-config.ts';

const WIDTH = 100;

/** The text of `config/reference.ini`: every setting with its meaning, its variable and its default. */
export function renderReference(): string {
  const intro = comment(
    "Every setting of the gateway with its default. Generated from src/config.ts by npm run docs: change it there. Values are read as Python's configparser reads them: everything after = belongs to the value, a percent sign is written twice. The variable named beside each setting overrules the file.",
  );
  const entries = Object.entries(settings.shape).map(([key, schema]) => {
    const written = defaultOf(schema);
    return `${comment(schema.description ?? '')}\n# ${variableOf(key)}\n# ${key} =${written && ` ${written.replaceAll('%', '%%')}`}\n`;
  });
  return `${intro}\n[${SECTION}]\n\n${entries.join('\n')}`;
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
