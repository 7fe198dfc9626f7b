import type { Writable } from 'node:stream';
import { COMMANDS } from './commands.ts';
import { type ConnectionSources, readConnection } from './connection.ts';
import { execute, type Outcome } from './execute.ts';
import { explainRefusal } from './explain-refusal.ts';
import { ClientFailure, unusable } from './failure.ts';
import { ANSWERED, readCommandLine, type Typed } from './program.ts';
import { printable, renderTable } from './render-table.ts';
import { openSecrets, type Secrets, type Stdin } from './secrets.ts';
import { type Input, openSend, ServerRefusal } from './send.ts';

/** Everything the command touches outside itself. */
export interface ClientIo extends Omit<ConnectionSources, 'trackingUri'> {
  readonly stdin: Stdin;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly version: string;
  /** For one request with its answer, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Runs one command line of `mlflow-auth-client`; never throws.
 *
 * @param argv - what follows the program's name.
 * @returns the exit code: 0 done, 1 the server or the network said no, 2 not usable as typed.
 */
export async function runClient(argv: readonly string[], io: ClientIo): Promise<0 | 1 | 2> {
  const complain = (text: string) => void io.stderr.write(`mlflow-auth-client: ${printable(text)}\n`);
  const secrets = openSecrets(io.stdin, io.stderr);
  try {
    const typed = readCommandLine(argv, {
      commands: COMMANDS,
      version: io.version,
      write: (text) => void io.stdout.write(text),
    });
    if (typed !== ANSWERED) {
      io.stdout.write(await answer(typed, io, secrets, complain));
    }
    return 0;
  } catch (error) {
    if (error instanceof ClientFailure) {
      complain(error.message);
      return error.exitCode;
    }
    // Not the error's own words: nobody knows what is in them.
    complain(
      `This should not happen (${error instanceof Error ? error.name : 'unknown'}); please report it.`,
    );
    return 1;
  } finally {
    secrets.close();
  }
}

async function answer(
  typed: Typed,
  io: ClientIo,
  secrets: Secrets,
  complain: (text: string) => void,
): Promise<string> {
  const connection = readConnection({ ...io, trackingUri: typed.trackingUri });
  const input = await withPassword(typed, secrets, complain);
  const { send, close } = openSend(connection, io.timeoutMs);
  try {
    return render(await execute(typed.command, input, { send, connection, secrets }), typed, input);
  } catch (error) {
    if (error instanceof ServerRefusal) {
      const typedPassword = typeof input['password'] === 'string' ? [input['password']] : [];
      const signedInWith = connection.basic?.password ?? connection.authorization?.replace(/^Bearer /, '');
      const hidden = [...secrets.seen, ...typedPassword, signedInWith ?? ''];
      throw new ClientFailure(1, explainRefusal(error, connection, typed.command.ifExists, hidden));
    }
    throw error;
  } finally {
    await close();
  }
}

async function withPassword(
  { command, values }: Typed,
  secrets: Secrets,
  complain: (text: string) => void,
): Promise<Input> {
  if (!command.takes.some(({ reads }) => reads === 'password')) {
    return values;
  }
  const typed = values['password'];
  if (typed !== undefined && typed !== '-') {
    complain(
      'warning: a password on the command line shows in the process list and in the history of the shell; leave it out to be asked, or pipe it in.',
    );
    return values;
  }
  const password = await secrets.read('Password', { twice: true });
  if (password === '') {
    throw unusable('The password is empty; nothing was changed.');
  }
  return { ...values, password };
}

function render({ shows, rows }: Outcome, { command, json }: Typed, input: Input): string {
  if (json) {
    return shows === undefined ? '{}\n' : rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  }
  if (shows === undefined) {
    const say = (command.done ?? 'Done.').replace(/\{(\w+)\}/g, (_, field: string) =>
      String(input[field] ?? ''),
    );
    return `${printable(say)}\n`;
  }
  return renderTable(shows.columns, rows);
}
