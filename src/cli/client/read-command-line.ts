import { Command as CommanderCommand, CommanderError, Option } from 'commander';
import { unusable } from '../failure.ts';
import { type Argument, readArgument } from './arguments.ts';
import type { Command } from './command.ts';

/** What was typed: which command, with which values, and how to answer. */
export interface Typed {
  readonly command: Command;
  /** By field; what was left out is absent. */
  readonly values: Readonly<Record<string, string | boolean>>;
  readonly json: boolean;
  readonly trackingUri: string | undefined;
}

/** Help or the version was asked for and is on standard output already. */
export const ANSWERED = Symbol('answered');

/** What the parser needs besides the command line. */
export interface ReaderOptions {
  readonly commands: readonly Command[];
  readonly version: string;
  readonly write: (text: string) => void;
}

const NAME = 'mlflow-auth-client';

const SETTINGS = `
Settings, as MLflow's own client reads them:
  MLFLOW_TRACKING_URI               the address of the gateway
  MLFLOW_TRACKING_USERNAME          who you are; or in ~/.mlflow/credentials
  MLFLOW_TRACKING_PASSWORD          your password; or in ~/.mlflow/credentials, or asked for on a terminal
  MLFLOW_TRACKING_TOKEN             a token, instead of name and password
  MLFLOW_WORKSPACE                  the workspace that names and grants are of, where MLflow has workspaces
  MLFLOW_TRACKING_SERVER_CERT_PATH  authorities to trust (PEM)
  MLFLOW_TRACKING_CLIENT_CERT_PATH  certificate and key to show (PEM)
  MLFLOW_TRACKING_INSECURE_TLS      true: do not check certificates

Exit codes: 0 done, 1 the server or the network said no, 2 the command was not usable as typed.

Examples:
  $ export MLFLOW_TRACKING_URI=https://mlflow.example.com MLFLOW_TRACKING_USERNAME=admin
  $ ${NAME} create-user alice
  $ ${NAME} create-experiment-permission 7 alice EDIT
  $ ${NAME} list-users --to-json | jq .username
`;

/**
 * Reads a command line. Names are taken with `_` for `-`, a trailing `to-json` is `--to-json`, and arguments
 * may be given by flag (`--experiment_id 1`): so did the clients that Python Fire made.
 *
 * @param argv - what follows the program's name.
 * @throws CommandFailure (exit code 2); its message never repeats a value, which might be a password.
 */
export function readCommandLine(
  argv: readonly string[],
  { commands, version, write }: ReaderOptions,
): Typed | typeof ANSWERED {
  let typed: Typed | undefined;
  const program = createProgram(version);
  const parsers = commands.map((command) =>
    parserOf(command, (read) => {
      typed = read;
    }),
  );
  for (const parser of parsers) {
    program.addCommand(parser);
  }
  for (const each of [program, ...parsers]) {
    each.exitOverride().configureOutput({ writeOut: write, writeErr: () => {}, outputError: () => {} });
  }
  try {
    program.parse(trailingToJson(argv), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) {
      throw error;
    }
    if (error.exitCode === 0) {
      return ANSWERED;
    }
    throw unusable(complaint(error));
  }
  if (typed === undefined) {
    throw unusable(`Name a command; ${NAME} --help lists them.`);
  }
  return typed;
}

function createProgram(version: string): CommanderCommand {
  return (
    new CommanderCommand(NAME)
      .description('Users, permissions and roles of an MLflow behind mlflow-auth-gateway.')
      .usage('COMMAND')
      .version(version, '--version')
      .helpOption('-h, --help', 'show help; after a command, help on it')
      .helpCommand(false)
      .option('--to-json', 'answer in JSON: an object, or one object per line')
      .option('--tracking-uri <URI>', 'the address of the gateway, instead of MLFLOW_TRACKING_URI')
      .addOption(new Option('--to_json').hideHelp())
      .addOption(new Option('--tracking_uri <URI>').hideHelp())
      .addHelpText('after', SETTINGS)
      // Commander's own shows the spelling with `_` as well; the arguments are in each command's own help.
      .configureHelp({ subcommandTerm: (parser) => parser.name() })
  );
}

/** What commander knows of one command. */
function parserOf(command: Command, done: (typed: Typed) => void): CommanderCommand {
  // A space where there is nothing to say: commander puts `[options]` for an empty usage.
  const parser = new CommanderCommand(command.name)
    .usage(usageOf(command) || ' ')
    .summary(command.does)
    .description(sentence(command))
    .helpGroup(`${command.group}:`)
    .helpOption('-h, --help', 'show this')
    .addHelpText('after', `\nExamples:\n${command.examples.map((line) => `  $ ${NAME} ${line}\n`).join('')}`)
    .configureHelp({ commandUsage: (own) => `${NAME} ${own.name()} ${own.usage()}`.trim() })
    .allowExcessArguments(false);
  if (command.name.includes('-')) {
    parser.alias(command.name.replaceAll('-', '_'));
  }
  for (const { usage, does } of command.takes) {
    // Not required here, because a flag may give the value: readValues sees to it.
    parser.argument(`[${usage}]`, does);
  }
  for (const option of optionsOf(command)) {
    parser.addOption(option);
  }
  return parser.action((...positionals: unknown[]) => {
    const options = parser.optsWithGlobals();
    done({
      command,
      values: readValues(command, positionals.slice(0, command.takes.length), options),
      json: options['toJson'] === true || options['to_json'] === true,
      trackingUri: textOf(options['trackingUri'] ?? options['tracking_uri']),
    });
  });
}

function sentence({ does, more }: Command): string {
  return [`${does[0]?.toUpperCase()}${does.slice(1)}.`, ...(more === undefined ? [] : [more])].join(' ');
}

/** `NAME [PASSWORD] [--description TEXT]`. */
function usageOf({ takes, flags = [] }: Command): string {
  return [
    ...takes.map(({ usage, reads }) => (reads === 'password' ? `[${usage}]` : usage)),
    ...flags.map(({ field, usage, reads }) => `[--${dashed(field)}${reads === 'flag' ? '' : ` ${usage}`}]`),
  ].join(' ');
}

function optionsOf({ takes, flags = [] }: Command): Option[] {
  const spellings = (field: string) => [...new Set([field, field.replaceAll('_', '-')])];
  return [
    ...flags.flatMap(({ field, usage, does, fallback, reads }) => [
      new Option(`--${dashed(field)}${reads === 'flag' ? '' : ` <${usage}>`}`, does).default(fallback),
      ...(dashed(field) === field
        ? []
        : [new Option(`--${field}${reads === 'flag' ? '' : ` <${usage}>`}`).hideHelp()]),
    ]),
    ...takes.flatMap(({ field, usage, reads }) =>
      spellings(field).flatMap((name) =>
        reads === 'boolean'
          ? // Python Fire: the bare flag is True, with `no` before it False.
            [new Option(`--${name} [${usage}]`).hideHelp(), new Option(`--no${name}`).hideHelp()]
          : [new Option(`--${name} <${usage}>`).hideHelp()],
      ),
    ),
  ];
}

function readValues(
  command: Command,
  positionals: readonly unknown[],
  options: Readonly<Record<string, unknown>>,
): Typed['values'] {
  const left = positionals.filter((text) => typeof text === 'string');
  const values: Record<string, string | boolean> = {};
  // As with Python Fire, flags are filled in first and the rest in order.
  for (const argument of command.takes) {
    const text = flagOf(argument, options) ?? left.shift();
    if (text !== undefined) {
      values[argument.field] = readArgument(argument, text);
    } else if (argument.reads !== 'password') {
      throw unusable(`${argument.usage} is missing: ${NAME} ${command.name} ${usageOf(command)}`);
    }
  }
  if (left.length > 0) {
    throw unusable(`There is more than the command takes: ${NAME} ${command.name} ${usageOf(command)}`);
  }
  for (const flag of command.flags ?? []) {
    const text = flagOf(flag, options);
    if (text !== undefined) {
      values[flag.field] = readArgument(flag, text);
    }
  }
  return values;
}

function flagOf({ field, reads }: Argument, options: Readonly<Record<string, unknown>>): string | undefined {
  const camel = (name: string) => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  const value = options[field] ?? options[camel(dashed(field))];
  if (reads === 'flag') {
    // Commander takes `--no-x` for a word about x.
    const isDenied = field.startsWith('no_') && options[camel(dashed(field.slice('no_'.length)))] === false;
    return value === true || isDenied ? 'True' : undefined;
  }
  if (reads === 'boolean') {
    const negated = options[`no${field}`] ?? options[camel(`no${dashed(field)}`)];
    return negated === true ? 'False' : value === true ? 'True' : textOf(value);
  }
  return textOf(value);
}

const dashed = (field: string): string => field.replaceAll('_', '-');

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Python Fire called `to_json` on what a command returned; a line that ends so asks for JSON. */
function trailingToJson(argv: readonly string[]): readonly string[] {
  const last = argv.at(-1) ?? '';
  return /^to[-_]json$/.test(last) && !argv.includes('--') ? [...argv.slice(0, -1), '--to-json'] : argv;
}

/** Our words for what the parser found; its own may repeat a password that starts with a dash. */
function complaint({ code, message }: CommanderError): string {
  switch (code) {
    case 'commander.unknownOption':
      return `There is an option that is not known here; see --help. A value that starts with a dash goes after --, as in: ${NAME} get-user -- -alice`;
    case 'commander.excessArguments':
      return `There is more than the command takes; see its --help.`;
    case 'commander.unknownCommand':
    case 'commander.optionMissingArgument':
      return `${message
        .replace(/^error: /, '')
        .replace(/\s+/g, ' ')
        .replace(/^./, (letter) => letter.toUpperCase())}; see --help.`;
    default:
      return `Name a command; ${NAME} --help lists them.`;
  }
}
