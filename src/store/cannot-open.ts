const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such directory',
  ENOTDIR: 'there is no such directory',
  EISDIR: 'it is a directory',
  EACCES: 'this account may not read and write it',
  EPERM: 'this account may not read and write it',
  SQLITE_NOTADB: 'it is not a database',
};

/**
 * Why a file will not do as the store, for whoever named it.
 *
 * @param cause - what opening it threw: of the file system or of SQLite.
 */
export function cannotOpen(file: string, cause: unknown): Error {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const reason = REASONS[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new Error(
    `${file} cannot be opened as the store: ${reason}. Name another file in database_uri (MLFLOW_AUTH_DATABASE_URI), or mend this one.`,
    { cause },
  );
}
