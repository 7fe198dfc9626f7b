import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../store/temporary.ts';

const MODULE = pathToFileURL(join(import.meta.dirname, '../../src/cli/log-destination.ts')).href;
const COUNT = 3000;
const LINES = Array.from({ length: COUNT }, (_, index) => `line ${index} ü`);

/** Runs a process that logs all {@link LINES} and then ends in its own way. */
function logAnd(end: string, options = '{ sync: false }'): string {
  const script = `
    import { logDestination } from ${JSON.stringify(MODULE)};
    const log = logDestination(${options});
    for (let index = 0; index < ${COUNT}; index += 1) log.write('line ' + index + ' ü\\n');
    ${end}`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  return stdout;
}

test.each([
  ['runs out of work', ''],
  ['exits', 'process.exit();'],
  ['exits as soon as the log is flushed', 'log.flush(() => process.exit());'],
  ['fails', 'setImmediate(() => { throw new Error("unforeseen"); });'],
])('a process that %s has written every line once', (_how, end) => {
  // A block that is still being written when the process fails may come last.
  expect(logAnd(end).trimEnd().split('\n').toSorted()).toEqual(LINES.toSorted());
});

test('a file gets every line too', () => {
  const dest = join(temporaryDirectory(), 'log');
  logAnd('process.exit();', JSON.stringify({ dest, sync: true }));
  expect(readFileSync(dest, 'utf8').trimEnd().split('\n')).toEqual(LINES);
});

test('what is too little for a block is written all the same while the process runs', () => {
  const wait = 'log.write("last\\n"); process.stdin.resume();';
  const kill =
    'setInterval(() => { if (fs.readFileSync(file, "utf8").includes("last")) process.kill(process.pid, "SIGKILL"); }, 10);';
  const file = join(temporaryDirectory(), 'log');
  logAnd(
    `const fs = await import('node:fs'); const file = ${JSON.stringify(file)}; ${wait} ${kill}`,
    JSON.stringify({ dest: file, sync: true }),
  );
  expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toEqual([...LINES, 'last']);
});
