import { fileProblem } from '../../../config/file-problem.ts';

/**
 * Why a file will not do as the store, for the person who named it.
 *
 * @param cause - what opening it threw: of the file system or of SQLite.
 */
export function cannotOpen(file: string, cause: unknown): Error {
  const isNoDatabase = cause instanceof Error && 'code' in cause && cause.code === 'SQLITE_NOTADB';
  const reason = isNoDatabase ? 'it is not a database' : fileProblem(cause, 'write');
  return new Error(
    `${file} cannot be opened as the store: ${reason}. Name another file in database_uri (MLFLOW_AUTH_DATABASE_URI), or mend this one.`,
    { cause },
  );
}
