#!/usr/bin/env node
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { oldNode } from '../old-node.ts';

/** A file, or the files of a directory one after the other: MLflow takes either for certificates. */
function readFile(path: string): string {
  return statSync(path).isDirectory()
    ? readdirSync(path)
        .map((name) => join(path, name))
        .filter((file) => statSync(file).isFile())
        .map((file) => readFileSync(file, 'utf8'))
        .join('\n')
    : readFileSync(path, 'utf8');
}

const manifest: { version: string } = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
);

// `list-users | head -1` closes the pipe before everything is written: no error to anybody.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

const tooOld = oldNode(process.versions.node);
if (tooOld === undefined) {
  const { runClient } = await import('./run-client.ts');
  process.exitCode = await runClient(process.argv.slice(2), {
    env: process.env,
    home: homedir(),
    readFile,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    version: manifest.version,
    timeoutMs: 30_000,
  });
} else {
  process.stderr.write(`mlflow-auth-client: ${tooOld}\n`);
  process.exitCode = 2;
}
