import type { Way } from '../way.ts';

/** Parameters that may differ from page to page of one search. */
const OF_THE_PAGE: ReadonlySet<string> = new Set(['page_token', 'max_results']);

/**
 * Who searches for what: all of a request but the page, in one order and under the upstream's own names. It is what
 * the client wrote, whatever the gateway makes of it: grants may change between two pages.
 */
export function identityOf(
  { operation, query, body, workspace }: Pick<Way, 'operation' | 'query' | 'body' | 'workspace'>,
  userId: number,
): string {
  const parameters = [...query, ...Object.entries(body)]
    .filter(([name]) => !OF_THE_PAGE.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const where = workspace === undefined ? '' : ` in ${workspace.name}`;
  return `${userId} ${operation?.name}${where} ${JSON.stringify(parameters, exactly)}`;
}

/** JSON has no form for integers of any length. */
function exactly(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}
