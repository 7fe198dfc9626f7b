import type Sqlite from 'better-sqlite3';
import type { FeedReader } from '../../engine.ts';
import { answering } from './answering.ts';

/** On the way of every request: while nothing is committed it costs a few microseconds and no promise. */
export function readFeed(connection: Sqlite.Database, checkPlace: () => void): FeedReader {
  const versionOf = connection
    .prepare<[], number>(connection.memory ? 'select total_changes()' : 'pragma data_version')
    .pluck();
  const newest = connection.prepare<[], number>('select coalesce(max(id), 0) from changes').pluck();
  const version = () => versionOf.get() ?? 0;
  let seen: number | undefined;
  return {
    newest: () =>
      answering(() => {
        seen = version();
        return newest.get() ?? 0;
      }),
    from: (id) =>
      answering(() => {
        checkPlace();
        const now = version();
        if (now === seen) {
          return 'nothing';
        }
        const rows = connection
          .prepare<[number], { id: number; user_id: number | null }>(
            'select id, user_id from changes where id >= ? order by id',
          )
          .all(id);
        // Version before rows: a commit in between is looked for once more, never missed.
        seen = now;
        return rows;
      }),
  };
}
