import { statSync } from 'node:fs';
import { unavailable } from '../../../errors.ts';

/**
 * SQLite goes on with a file that was moved away, deleted or replaced by a backup: what was revoked in the new one
 * would still count, and what is written would be lost. So would it be with a log of writes (`-wal`) that is no longer
 * there for a user who opens the file next. Asked on the way of every request, for a few microseconds.
 *
 * @returns a check that throws ApiError 503 when another file, or none, has the name of one that was opened.
 */
export function createPlaceCheck(file: string): () => void {
  const opened = [watch(file), watch(`${file}-wal`), watch(`${file}-shm`)];
  return () => {
    for (const each of opened) {
      each();
    }
  };
}

/** Watches one file. The files beside the database are made when it is first read, and stay until it is closed. */
function watch(file: string): () => void {
  let opened = statSync(file, { throwIfNoEntry: false });
  return () => {
    const now = statSync(file, { throwIfNoEntry: false });
    opened ??= now;
    if (now?.ino !== opened?.ino || now?.dev !== opened?.dev) {
      throw unavailable(
        'The store gave no answer.',
        new Error(`${file} is not the file that was opened. Put it back, or start the gateway again.`),
      );
    }
  };
}
