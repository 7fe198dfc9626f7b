import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A new directory for the tests of a file; gone after the last of them. */
export function useDirectory(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `${name}-`));
  afterAll(() => rmSync(directory, { recursive: true }));
  return directory;
}
