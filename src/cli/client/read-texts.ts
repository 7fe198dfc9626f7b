import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The text of a file, or of a directory the texts of its files one after the other: MLflow takes either for
 * certificates.
 *
 * @throws the error of the file system.
 */
export function readTexts(path: string): string {
  return statSync(path).isDirectory()
    ? readdirSync(path)
        .map((name) => join(path, name))
        .filter((file) => statSync(file).isFile())
        .map((file) => readFileSync(file, 'utf8'))
        .join('\n')
    : readFileSync(path, 'utf8');
}

/** Whether accounts other than its owner's may read a file; false where the system does not say. */
export function isOpenToOthers(path: string): boolean {
  // Windows has no such bits, and Node makes some up.
  return process.platform !== 'win32' && existsSync(path) && (statSync(path).mode & 0o044) !== 0;
}
