import { resolve } from 'node:path';

/** Where a store lives: a file, or nowhere but in memory. */
export type DatabaseLocation = { readonly file: string } | 'memory';

/**
 * Reads a SQLAlchemy URI: `sqlite:///relative.db` (from the working directory), `sqlite:////absolute.db`,
 * and `sqlite://` or `sqlite:///:memory:` for a store that ends with the process.
 *
 * @throws Error with what to write instead; never repeats the URI, which may hold a password.
 * @see https://docs.sqlalchemy.org/en/20/core/engines.html#sqlite
 */
export function readDatabaseUri(uri: string): DatabaseLocation {
  if (/^postgres(ql)?(\+\w+)?:/.test(uri)) {
    throw new Error('write sqlite:///path/to/file.db: PostgreSQL is not offered yet');
  }
  const path = /^sqlite(?:\+pysqlite)?:\/\/(.*)$/s.exec(uri)?.[1];
  if (path === undefined) throw new Error('write sqlite:///path/to/file.db: no other database is offered');
  if (path === '' || path === '/' || path === '/:memory:') return 'memory';
  if (!path.startsWith('/')) {
    throw new Error(
      'write three slashes before a relative file (sqlite:///file.db), four before an absolute one',
    );
  }
  if (/[?#\0]/.test(path)) throw new Error('write no options behind the file name');
  return { file: resolve(path.slice(1)) };
}
