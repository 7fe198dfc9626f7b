import { createHash } from 'node:crypto';
import { type AuditEntry, type AuditFilter, momentOf } from './entry.ts';
import { cut } from './shown.ts';

/** What every entry has. */
export const ANY = '*';

/** The longest text that a term tells as it is: a row of an index has an end in every database. */
const LONGEST = 300;

/**
 * What an entry is found by. A term may come more than once. Terms are kept, and removed by what this says of their entries:
 * to change it takes a step of the schema that writes them anew.
 */
export const termsOf = (entry: AuditEntry): readonly string[] => [...sharedTerms(entry), ...ownTerms(entry)];

/** The terms that it has in common with entries that are {@link areAlike alike}. */
export function sharedTerms({ username, action, allowed, resources }: AuditEntry): readonly string[] {
  return [
    ANY,
    term('action', action),
    term('allowed', String(allowed)),
    ...(username === null ? [] : [term('user', username)]),
    ...resources.flatMap(({ type, id }) => [term('type', type), term('id', id), term(ofType(type), id)]),
  ];
}

const NONE: readonly string[] = [];

/** The terms that it has beside them. */
export function ownTerms({ id, requestId }: AuditEntry): readonly string[] {
  return requestId === null || tellsWhen(requestId, id) ? NONE : [term('request', requestId)];
}

/**
 * What the entries have all of that a filter is about, but for the time. The one that is likely to be rarest comes first:
 * entries are found by it, and looked at for the others.
 */
export function termsFor(filter: AuditFilter): readonly [string, ...string[]] {
  const { username, action, allowed, requestId, resourceType, resourceId } = filter;
  const [first = ANY, ...others] = [
    requestId === undefined ? undefined : term('request', requestId),
    resourceId === undefined
      ? undefined
      : resourceType === undefined
        ? term('id', resourceId)
        : term(ofType(resourceType), resourceId),
    username === undefined ? undefined : term('user', username),
    allowed === false ? term('allowed', 'false') : undefined,
    resourceType === undefined || resourceId !== undefined ? undefined : term('type', resourceType),
    action === undefined ? undefined : term('action', action),
    allowed === true ? term('allowed', 'true') : undefined,
  ].filter((each) => each !== undefined);
  return [first, ...others];
}

/** A UUID of version 7. */
const TIMED = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** How long after its beginning an entry of a request is looked for without a term: few take longer. */
export const REQUEST_MS = 60_000;

/** When a request began, in milliseconds since the epoch, if its id tells. */
export const beginningOf = (requestId: string): number | undefined =>
  TIMED.test(requestId) ? momentOf(requestId) : undefined;

/**
 * Whether an entry is found by when its request began. A term of each request would be the only one that an entry shares
 * with no other, and cost more than all the rest of it.
 */
function tellsWhen(requestId: string, entryId: string): boolean {
  const beginning = beginningOf(requestId);
  const took = momentOf(entryId) - (beginning ?? Number.NaN);
  return took >= 0 && took <= REQUEST_MS;
}

/** A type that is asked for may be any text. */
const ofType = (type: string): string => `resource ${cut(type).replace(/[%:]/g, encodeURIComponent)}`;

/**
 * The name of what is told has no colon, so that no two terms are alike; and no bare percent sign, so that nobody finds
 * what is hashed by asking for a type of that name.
 */
function term(what: string, value: string): string {
  const kept = cut(value);
  return kept.length <= LONGEST
    ? `${what}:${kept}`
    : `${what} %hashed:${createHash('sha256').update(kept).digest('base64')}`;
}
