import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { unavailable } from '../../../errors.ts';

/**
 * Beyond this age of its last change, a directory that changes again shows it by its time: file systems count time in
 * steps of up to two seconds.
 */
const SETTLED_MS = 3_000;

/**
 * SQLite goes on with a file that was moved away, deleted or replaced by a backup: what was revoked in the new one
 * would still count, and what is written would be lost. So would it be with a log of writes (`-wal`) that is no longer
 * there for a user who opens the file next. Asked on the way of every request, for a few microseconds: while nothing
 * has changed in the directory that names the files, nothing else is looked at.
 *
 * @param clock - milliseconds since the epoch.
 * @returns a check that throws ApiError 503 when another file, or none, has the name of one that was opened.
 */
export function createPlaceCheck(file: string, clock: () => number): () => void {
  // https://sqlite.org/wal.html: they stand beside the file that a link leads to.
  const target = realpathSync(file);
  const opened = [watch(file), watch(`${target}-wal`), watch(`${target}-shm`)];
  const directory = dirname(file);
  /** The directory as it was when the files were looked at, if it cannot have changed since without showing it. */
  let settled: Stats | undefined;
  return () => {
    const now = statSync(directory, { throwIfNoEntry: false });
    if (settled !== undefined && isSame(now, settled) && now?.ctimeMs === settled.ctimeMs) {
      return;
    }
    settled = undefined;
    for (const each of opened) {
      each();
    }
    // Behind a link, the directory that names the files is another.
    if (
      now !== undefined &&
      clock() - now.ctimeMs > SETTLED_MS &&
      lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === false
    ) {
      settled = now;
    }
  };
}

/** Watches one file. The files beside the database are made when it is first read, and stay until it is closed. */
function watch(file: string): () => void {
  let opened = statSync(file, { throwIfNoEntry: false });
  return () => {
    const now = statSync(file, { throwIfNoEntry: false });
    opened ??= now;
    if (!isSame(now, opened)) {
      throw unavailable(
        'The store gave no answer.',
        new Error(`${file} is not the file that was opened. Put it back, or start the gateway again.`),
      );
    }
  };
}

function isSame(one: Stats | undefined, other: Stats | undefined): boolean {
  return one?.ino === other?.ino && one?.dev === other?.dev;
}
