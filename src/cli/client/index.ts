#!/usr/bin/env node
/** The command `mlflow-auth-client`; see run-client.ts. */
import { hostname } from 'node:os';
import { processIo } from '../io.ts';
import { oldNode } from '../old-node.ts';

/** For one request with its answer. */
const TIMEOUT_MS = 30_000;
/** How soon `audit --follow` shows what is new. */
const POLL_MS = 1_000;
/** For a person to sign in in a browser. */
const WAIT_MS = 600_000;

// `list-users | head -1` closes the pipe before everything is written: no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

const tooOld = oldNode(process.versions.node);
if (tooOld === undefined) {
  const { runClient } = await import('./run-client.ts');
  const { openBrowser } = await import('./open-browser.ts');
  process.exitCode = await runClient(process.argv.slice(2), processIo(), {
    timeoutMs: TIMEOUT_MS,
    pollMs: POLL_MS,
    waitMs: WAIT_MS,
    openBrowser: (address) => openBrowser(address, process.env['BROWSER']),
    machine: hostname(),
  });
} else {
  process.stderr.write(`mlflow-auth-client: ${tooOld}\n`);
  process.exitCode = 2;
}
