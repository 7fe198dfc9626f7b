import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };

const REPOSITORY = resolve(import.meta.dirname, '../..');

export interface Typed {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Shell {
  /** Where its user's files are; nothing of this machine's settings is read. */
  readonly home: string;
  /** What to run a program with, to find the commands as this shell does. */
  readonly env: Readonly<Record<string, string>>;
  /** Types a command line; `stdin` is piped in. */
  type(line: string, options?: { readonly env?: Env; readonly stdin?: string }): Promise<Typed>;
  close(): void;
}

type Env = Readonly<Record<string, string>>;

/**
 * A shell that finds the commands of the package, as they were built, as one does after `npm install`.
 *
 * @param env - variables for all that is typed.
 */
export function openShell(env: Env = {}): Shell {
  const dir = mkdtempSync(join(tmpdir(), 'shell-'));
  const [bin, home] = [join(dir, 'bin'), join(dir, 'home')];
  mkdirSync(bin);
  mkdirSync(home);
  for (const [name, file] of Object.entries(manifest.bin)) {
    const built = join(REPOSITORY, file);
    if (!existsSync(built)) {
      throw new Error(`${file} is missing: run npm test, which builds it`);
    }
    symlinkSync(built, join(bin, name));
  }
  const path = [bin, join(REPOSITORY, 'node_modules/.bin'), process.env['PATH']].join(delimiter);
  const own = { HOME: home, PATH: path, ...env };
  return {
    home,
    env: own,
    type: (line, { env: more = {}, stdin = '' } = {}) =>
      new Promise((ended, failed) => {
        const child = spawn('sh', ['-c', line], { env: { ...own, ...more }, cwd: home });
        let [stdout, stderr] = ['', ''];
        child.stdout.setEncoding('utf8').on('data', (text) => {
          stdout += text;
        });
        child.stderr.setEncoding('utf8').on('data', (text) => {
          stderr += text;
        });
        child.on('error', failed);
        child.on('close', (code) => ended({ code, stdout, stderr }));
        // A command that does not read may be gone before everything is written.
        child.stdin.on('error', () => {});
        child.stdin.end(stdin);
      }),
    close: () => rmSync(dir, { recursive: true, force: true }),
  };
}
