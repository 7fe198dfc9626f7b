import { readFileSync } from 'node:fs';
import { Readable, Writable } from 'node:stream';
import { runClient } from '../../../src/cli/client/run-client.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line as a shell would, with `stdin` piped in and nothing of this machine's settings. */
export async function run(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  options: { readonly stdin?: string; readonly timeoutMs?: number; readonly home?: string } = {},
): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const collect = (into: string[]) =>
    new Writable({
      write(chunk, _encoding, done) {
        into.push(String(chunk));
        done();
      },
    });
  const code = await runClient(argv, {
    env,
    home: options.home ?? '/nowhere',
    readFile: (path) => readFileSync(path, 'utf8'),
    stdin: Readable.from(options.stdin === undefined ? [] : [options.stdin]),
    stdout: collect(out),
    stderr: collect(err),
    version: '9.9.9',
    timeoutMs: options.timeoutMs ?? 10_000,
  });
  return { code, stdout: out.join(''), stderr: err.join('') };
}
