import { printable } from '../printable.ts';
import type { JsonObject } from './json.ts';

/** A heading and what stands under it: a field of the row, or what is made of the row. */
export type Column = readonly [heading: string, cell: string | ((row: JsonObject) => string)];

/** A value as people read it: yes and no, and nothing for what is absent. */
function shown(value: unknown): string {
  if (value === undefined || value === null) {
    return '';
  }
  if (typeof value === 'boolean') {
    return value ? 'yes' : 'no';
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Columns two spaces apart, headings first, one line per row, each line ended. */
export function renderTable(columns: readonly Column[], rows: readonly JsonObject[]): string {
  return openTable(columns)(rows);
}

/**
 * A table that comes in parts: the headings with the first, and columns that grow where a later row needs it.
 *
 * @returns what renders the next rows.
 */
export function openTable(columns: readonly Column[]): (rows: readonly JsonObject[]) => string {
  let headings = [columns.map(([heading]) => heading)];
  const widths = columns.map(() => 0);
  const width = (text: string) => [...text].length;
  return (rows) => {
    const lines = [
      ...headings,
      ...rows.map((row) =>
        columns.map(([, cell]) => printable(typeof cell === 'string' ? shown(row[cell]) : cell(row))),
      ),
    ];
    headings = [];
    for (const at of widths.keys()) {
      widths[at] = Math.max(widths[at] ?? 0, ...lines.map((line) => width(line[at] ?? '')));
    }
    return lines
      .map((line) => line.map((text, at) => text + ' '.repeat((widths[at] ?? 0) - width(text))).join('  '))
      .map((line) => `${line.trimEnd()}\n`)
      .join('');
  };
}
