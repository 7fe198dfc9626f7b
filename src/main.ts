#!/usr/bin/env node
/** The command `mlflow-auth-gateway`; see src/cli/program.ts. */
import { processIo } from './cli/io.ts';
import { oldNode } from './cli/old-node.ts';

const tooOld = oldNode(process.versions.node);
if (tooOld === undefined) {
  const { createProgram } = await import('./cli/program.ts');
  await createProgram(processIo()).parseAsync();
} else {
  process.stderr.write(`${tooOld}\n`);
  process.exitCode = 1;
}
