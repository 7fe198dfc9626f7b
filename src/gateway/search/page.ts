import { parseLossless } from '../../mlflow/read/lossless.ts';
import { joinId } from '../../mlflow/things/identifiers.ts';
import type { Answer } from '../../mlflow/upstream/upstream.ts';

export type Row = Readonly<Record<string, unknown>>;
export type Page = Record<string, unknown> & { readonly next_page_token?: unknown };

export function parsePage(answer: Answer): Page {
  const page = parseLossless(answer.bytes.toString('utf8'));
  return typeof page === 'object' && page !== null ? (page as Page) : {};
}

export function rowsOf(page: Page, list: string): readonly Row[] {
  const rows = page[list];
  return Array.isArray(rows) ? (rows as Row[]) : [];
}

/** The id of a row: one column, or two joined. */
export function idOf(row: Row, column: string): string {
  const [first = '', second] = column.split('/');
  return second === undefined ? String(row[first]) : joinId(String(row[first]), String(row[second]));
}

/** A token as MLflow makes it; none for the first page. */
export function upstreamToken(offset: number): string | undefined {
  if (offset === 0) return undefined;
  return Buffer.from(JSON.stringify({ offset })).toString('base64');
}

/** The offset in a token that MLflow made. */
export function offsetOf(token: unknown): number | undefined {
  if (typeof token !== 'string' || token === '') return undefined;
  try {
    const { offset } = JSON.parse(Buffer.from(token, 'base64').toString('utf8')) as { offset?: unknown };
    return typeof offset === 'number' ? offset : undefined;
  } catch {
    return undefined;
  }
}
