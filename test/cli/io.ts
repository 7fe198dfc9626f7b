import { randomBytes } from 'node:crypto';
import { Readable, Writable } from 'node:stream';
import type { Io } from '../../src/cli/io.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly home?: string;
  /** What is piped in. */
  readonly stdin?: string;
}

/** Runs a command as a shell would, with nothing of this machine's settings. */
export async function run(
  command: (io: Io) => Promise<number>,
  { env = {}, cwd = '/nowhere', home = '/nowhere', stdin = '' }: Surroundings = {},
): Promise<Ran> {
  const stdout = collector();
  const stderr = collector();
  const code = await command({
    env,
    cwd,
    home,
    stdin: Readable.from(stdin === '' ? [] : [stdin]),
    stdout,
    stderr,
    clock: () => 1_000,
    random: randomBytes,
    version: '9.9.9',
  });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

export interface StoreSurroundings extends Surroundings {
  readonly databaseUri?: string;
}

/** Runs one of the server's commands on a store. */
export function ran(
  command: (io: Io) => Promise<number>,
  { databaseUri, env, ...rest }: StoreSurroundings = {},
): Promise<Ran> {
  return run(command, {
    ...rest,
    env: {
      MLFLOW_AUTH_PASSWORD_ROUNDS: '4',
      ...(databaseUri !== undefined && { MLFLOW_AUTH_DATABASE_URI: databaseUri }),
      ...env,
    },
  });
}

function collector(): Writable & { text(): string } {
  const chunks: string[] = [];
  const writable = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk));
      done();
    },
  });
  return Object.assign(writable, { text: () => chunks.join('') });
}
