import { T } from '../texts.ts';

const FORMAT = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

/** A moment in the time of who looks at it. */
export function Moment({ at, none = T.never }: { readonly at: number | null; readonly none?: string }) {
  return at === null ? (
    none
  ) : (
    <time dateTime={new Date(at).toISOString()}>{FORMAT.format(new Date(at))}</time>
  );
}
