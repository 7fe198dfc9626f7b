import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from './paths.mjs';

/** A hash of files, and of all files below directories; changes with any name or byte. */
export function fingerprint(paths) {
  const hash = createHash('sha256');
  for (const path of paths) {
    add(hash, path);
  }
  return hash.digest('hex');
}

function add(hash, path) {
  if (statSync(path).isDirectory()) {
    for (const name of readdirSync(path).sort()) {
      add(hash, join(path, name));
    }
    return;
  }
  const content = readFileSync(path);
  hash.update(`${relative(root, path)}\0${content.length}\0`).update(content);
}
