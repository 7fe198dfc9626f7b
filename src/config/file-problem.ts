/** What was to be done with the file. */
export type FileUse = 'read' | 'write';

const PROBLEMS: Readonly<Record<string, Readonly<Record<FileUse, string>>>> = {
  ENOENT: { read: 'there is no such file', write: 'there is no such directory' },
  ENOTDIR: { read: 'there is no such file', write: 'there is no such directory' },
  EISDIR: { read: 'it is a directory, not a file', write: 'it is a directory' },
  EACCES: { read: 'this account may not read it', write: 'this account may not read and write it' },
  EPERM: { read: 'this account may not read it', write: 'this account may not read and write it' },
  EROFS: { read: 'it cannot be read', write: 'the file system is read-only' },
  ENOSPC: { read: 'it cannot be read', write: 'the disk is full' },
  ELOOP: { read: 'its links lead in a circle', write: 'its links lead in a circle' },
  ENAMETOOLONG: { read: 'the name is too long', write: 'the name is too long' },
};

/**
 * Why a file cannot be used, in words for the operator who named it.
 *
 * @param error - what the file system threw.
 * @param use - what was tried.
 */
export function fileProblem(error: unknown, use: FileUse): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return PROBLEMS[code]?.[use] ?? (error instanceof Error ? error.message : String(error));
}
