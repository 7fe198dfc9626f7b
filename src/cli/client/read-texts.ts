import { readdirSync, readFileSync, statSync } from 'node:fs';
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
