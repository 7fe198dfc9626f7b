import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import { CommandFailure, unusable } from '../failure.ts';
import { complain, type Io } from '../io.ts';
import { printable } from '../printable.ts';
import { openSecrets, type Secrets } from '../secrets.ts';
import type { AskingCommand, SigningCommand, SigningTools } from './command.ts';
import { COMMANDS } from './commands.ts';
import { type Connection, readConnection, withPassword } from './connection.ts';
import { execute, type Outcome } from './execute.ts';
import { explainRefusal } from './explain-refusal.ts';
import { ANSWERED, readCommandLine, type Typed } from './read-command-line.ts';
import { isOpenToOthers, readTexts } from './read-texts.ts';
import { renderTable } from './render-table.ts';
import { type Input, openLine, type Send, ServerRefusal } from './send.ts';

export interface ClientOptions {
  /** For one request with its answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Between two looks for something new, in milliseconds. */
  readonly pollMs: number;
  /** How long `login` waits for the browser, in milliseconds. */
  readonly waitMs: number;
  /** Opens an address in the user's browser. */
  readonly openBrowser: (address: string) => void;
  /** What this machine is called. */
  readonly machine: string;
}

/**
 * Runs one command line of `mlflow-auth-client`; never throws.
 *
 * @param argv - what follows the program's name.
 * @returns the exit code: 0 done, 1 the server or the network said no, 2 not usable as typed.
 */
export async function runClient(argv: readonly string[], io: Io, options: ClientOptions): Promise<0 | 1 | 2> {
  const secrets = openSecrets(io.stdin, io.stderr);
  try {
    const typed = readCommandLine(argv, {
      commands: COMMANDS,
      version: io.version,
      write: (text) => void io.stdout.write(text),
    });
    if (typed !== ANSWERED) {
      io.stdout.write(await answer(typed, io, secrets, options));
    }
    return 0;
  } catch (error) {
    if (error instanceof CommandFailure) {
      say(io, error.message);
      return error.exitCode;
    }
    // Not the error's own words: there may be a password in them.
    say(io, `This should not happen (${error instanceof Error ? error.name : 'unknown'}); please report it.`);
    return 1;
  } finally {
    secrets.close();
  }
}

/** One line on standard error, whatever is in it. */
function say(io: Io, text: string): void {
  complain(io, printable(`mlflow-auth-client: ${text}`));
}

async function answer(typed: Typed, io: Io, secrets: Secrets, options: ClientOptions): Promise<string> {
  if ('signs' in typed.command) {
    return sign(typed.command, typed, signingTools(typed, io, secrets, options));
  }
  const read = connectionTo(typed.trackingUri, io);
  for (const warning of read.warnings) {
    say(io, `warning: ${warning}`);
  }
  const connection = await signIn(read, secrets, io);
  const line = openLine(connection, options.timeoutMs);
  const typedPassword = typeof typed.values['password'] === 'string' ? [typed.values['password']] : [];
  try {
    const { command, json } = typed;
    if ('streams' in command) {
      const tools = {
        ...line,
        json,
        say: (text: string) => say(io, text),
        clock: io.clock,
        nextPoll: () => setTimeout(options.pollMs),
      };
      await pipeline(Readable.from(command.streams(typed.values, tools)), io.stdout, { end: false });
      return '';
    }
    const input = await withNewPassword(command, typed.values, line.send, secrets, io);
    const outcome = await execute(command, input, { ...line, connection, secrets });
    remark(outcome, typed, io);
    return render(outcome, command, json, input);
  } catch (error) {
    if (error instanceof ServerRefusal) {
      const signedInWith = connection.basic?.password ?? connection.authorization?.replace(/^Bearer /, '');
      const hidden = [...secrets.seen, ...typedPassword, signedInWith ?? ''];
      const ifExists = 'ifExists' in typed.command ? typed.command.ifExists : undefined;
      throw new CommandFailure(1, explainRefusal(error, connection, ifExists, hidden));
    }
    throw error;
  } finally {
    await line.close();
  }
}

/** What the server says of a sign-in is said in its own words: no setting is wrong. */
async function sign(command: SigningCommand, { values }: Typed, tools: SigningTools): Promise<string> {
  try {
    return await command.signs(values, tools);
  } catch (error) {
    if (error instanceof ServerRefusal) {
      const said = printable(error.message) || `The server answered with status ${error.status}.`;
      const hint = error.status === 404 ? ' Is that the address of the gateway?' : '';
      throw new CommandFailure(1, `${said}${hint}`);
    }
    throw error;
  }
}

function connectionTo(trackingUri: string | undefined, { env, home }: Io): Connection {
  return readConnection({ env, home, readFile: readTexts, isOpenToOthers, trackingUri });
}

function signingTools(
  typed: Typed,
  io: Io,
  secrets: Secrets,
  { timeoutMs, ...options }: ClientOptions,
): SigningTools {
  return {
    ...options,
    ...{ secrets, random: io.random, env: io.env, home: io.home, json: typed.json },
    connect: (server) => connectionTo(server ?? typed.trackingUri, io),
    async send(connection, call, input) {
      const line = openLine(connection, timeoutMs);
      try {
        return await line.send(call, input);
      } finally {
        await line.close();
      }
    },
    tell: (text) => complain(io, text),
    warn: (text) => say(io, `warning: ${text}`),
  };
}

/** On a terminal, asks for the password of a user who is named without one. */
async function signIn(connection: Connection, secrets: Secrets, { stdin }: Io): Promise<Connection> {
  const { nameAlone: username } = connection;
  if (username === undefined || stdin.isTTY !== true) {
    return connection;
  }
  return withPassword(connection, { username, password: await secrets.read(`Password of ${username}`) });
}

/** The values of a command, with the new password that it takes. */
async function withNewPassword(
  command: AskingCommand,
  values: Typed['values'],
  send: Send,
  secrets: Secrets,
  io: Io,
): Promise<Input> {
  if (!command.takes.some(({ reads }) => reads === 'password')) {
    return values;
  }
  const typed = values['password'];
  if (typed !== undefined && typed !== '-') {
    say(
      io,
      'warning: a password on the command line shows in the process list and in the history of the shell; leave it out to be asked, or pipe it in.',
    );
    return values;
  }
  if (io.stdin.isTTY === true) {
    await checkSignIn(send);
  }
  const password = await secrets.read(`New password for ${values['username']}`, {
    twice: true,
  });
  if (password === '') {
    throw unusable('The password is empty; nothing was changed.');
  }
  return { ...values, password };
}

/** A user does not choose a password, twice, for a command that is then refused for the password they signed in with. */
async function checkSignIn(send: Send): Promise<void> {
  try {
    await send({ method: 'GET', path: '2.0 users/current' }, {});
  } catch (error) {
    // A server that does not know this call is asked what it was to be asked.
    if (!(error instanceof ServerRefusal) || error.status === 401) {
      throw error;
    }
  }
}

/** What is said beside the result. A reader of JSON sees that a list is empty. */
function remark({ warning, whyEmpty }: Outcome, { json }: Typed, io: Io): void {
  if (warning !== undefined) {
    say(io, `warning: ${warning}`);
  }
  if (whyEmpty !== undefined && !json) {
    say(io, whyEmpty);
  }
}

function render({ shows, rows }: Outcome, command: AskingCommand, json: boolean, input: Input): string {
  if (json) {
    return shows === undefined ? '{}\n' : rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  }
  if (shows === undefined) {
    const done = (command.done ?? 'Done.').replace(/\{(\w+)\}/g, (_, field: string) =>
      String(input[field] ?? ''),
    );
    return `${printable(done)}\n`;
  }
  return renderTable(shows.columns, rows);
}
