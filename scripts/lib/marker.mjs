import { readFileSync, writeFileSync } from 'node:fs';

/** Whether a step was done to its end with this result: its marker is the last file it writes. */
export function isMarked(path, content) {
  try {
    return readFileSync(path, 'utf8') === content;
  } catch {
    return false;
  }
}

/** Says that the step was done to its end. */
export function mark(path, content) {
  writeFileSync(path, content);
}
