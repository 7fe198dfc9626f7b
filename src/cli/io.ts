import { randomBytes } from 'node:crypto';
import { homedir } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { manifest } from '../manifest.ts';
import { printable } from './printable.ts';

/** Standard input: a terminal, or something piped in. */
export type Stdin = Readable & { readonly isTTY?: boolean };

/** Everything that a command touches outside of itself, files and the network apart. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the configuration is looked for, and where relative files start. */
  readonly cwd: string;
  /** The user's own directory. */
  readonly home: string;
  readonly stdin: Stdin;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Source of randomness, for generated passwords. */
  readonly random: (bytes: number) => Buffer;
  /** The version of this package. */
  readonly version: string;
}

/** The surroundings of this process. */
export function processIo(): Io {
  return {
    env: process.env,
    cwd: process.cwd(),
    home: homedir(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    clock: Date.now,
    random: randomBytes,
    version: manifest.version,
  };
}

/** Writes a text to standard error, safe on a terminal. Its lines stay lines. */
export function complain({ stderr }: Pick<Io, 'stderr'>, text: string): void {
  stderr.write(`${text.split('\n').map(printable).join('\n')}\n`);
}
