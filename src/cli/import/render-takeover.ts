import { renderTable } from '../client/render-table.ts';
import { printable } from '../printable.ts';
import { showOnce } from '../show-once.ts';
import type { Takeover } from './take-over.ts';
import { COUNTED } from './tally.ts';

/**
 * An import as people read it.
 *
 * @param dryRun - nothing was changed: new passwords were made up in vain and are not shown.
 */
export function renderTakeover({ counts, left, warnings, newPasswords }: Takeover, dryRun: boolean): string {
  const rows = COUNTED.map((what) => ({ what, ...counts[what] }));
  const table = renderTable(
    [
      ['', 'what'],
      ['taken', 'taken'],
      ['already there', 'alreadyThere'],
      ['left', 'left'],
    ],
    rows,
  );
  const renewed = newPasswords.map((credentials) => {
    const name = printable(credentials.username);
    return dryRun
      ? `Warning: the admin ${name} has a default password that everyone knows, and will get a new one.\n`
      : `Warning: the admin ${name} had a default password that everyone knows. It does not count any more.\n${showOnce(credentials)}\nChange it: mlflow-auth-client update-user-password ${name}\n`;
  });
  return [
    table,
    list('Left:', left),
    ...warnings.map((warning) => `Warning: ${printable(warning)}\n`),
    ...renewed,
    ...(dryRun ? ['Nothing was changed (--dry-run).\n'] : []),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function list(heading: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${heading}\n${lines.map((line) => `  - ${printable(line)}\n`).join('')}`;
}
