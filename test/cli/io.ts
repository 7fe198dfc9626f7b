import { randomBytes } from 'node:crypto';
import { Readable, Writable } from 'node:stream';
import type { CommandIo } from '../../src/cli/command.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly databaseUri?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What is piped in. */
  readonly stdin?: string;
}

/** Runs one of the server's commands as a shell would, with nothing of this machine's settings. */
export async function ran(
  command: (io: CommandIo) => Promise<number>,
  { databaseUri, env, cwd = '/nowhere', stdin = '' }: Surroundings = {},
): Promise<Ran> {
  const stdout = collector();
  const stderr = collector();
  const code = await command({
    env: {
      MLFLOW_AUTH_PASSWORD_ROUNDS: '4',
      ...(databaseUri !== undefined && { MLFLOW_AUTH_DATABASE_URI: databaseUri }),
      ...env,
    },
    cwd,
    stdin: Readable.from([stdin]),
    stdout,
    stderr,
    clock: () => 1_000,
    random: randomBytes,
  });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
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
