import { join } from 'node:path';
import { lockFile } from '../../store/files/lock-file.ts';

/**
 * Claims a directory for this process, until it ends.
 *
 * @returns what gives the directory back, or undefined if another process has it.
 */
export function lockDirectory(directory: string): (() => void) | undefined {
  return lockFile(join(directory, '.lock'));
}
