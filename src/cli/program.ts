import { Command, Option } from 'commander';
import type { Io } from './io.ts';

/**
 * The command `mlflow-auth-gateway`: the server, and what is done to its store. Each command loads what it needs when it
 * is run: a health check every few seconds is not to load the server.
 */
export function createProgram(io: Io): Command {
  const program = new Command('mlflow-auth-gateway')
    .description('Sign-in, users and permissions in front of a stock MLflow tracking server.')
    .addHelpText(
      'after',
      '\nEvery command reads the INI file that MLFLOW_AUTH_CONFIG_PATH names and the MLFLOW_AUTH_* variables.',
    )
    .version(io.version, '--version')
    .showHelpAfterError();
  program
    .command('serve', { isDefault: true })
    .description('run the gateway in the foreground')
    // What is typed wrong lands here, as this is the default.
    .allowExcessArguments()
    .action((_options, { args: [unknown] }: Command) =>
      unknown === undefined
        ? import('./serve.ts').then(({ serve }) => serve())
        : program.error(`error: unknown command '${unknown}'`),
    );
  addStoreCommands(program, io);
  addAccessCommands(program, io);
  return program;
}

/** Not `process.exit`, which could cut off what is still being written. */
async function exitWith(code: Promise<number>): Promise<void> {
  process.exitCode = await code;
}

function addStoreCommands(program: Command, io: Io): void {
  program
    .command('import')
    .description("take users, permissions and roles from a basic_auth.db of MLflow's own auth app")
    .argument('<file>', 'the database, of MLflow 2.15.1 to 3.17.2; it may be in use')
    .option('--dry-run', 'say what would be done, and change nothing')
    .action((file: string, options: { dryRun?: boolean }) =>
      exitWith(import('./import.ts').then(({ importBasicAuth }) => importBasicAuth(file, options, io))),
    );
  program
    .command('check-config')
    .description('show the settings in force, or everything that is wrong with them')
    .option('--connect', 'try the store and MLflow too, and change nothing')
    .action((options: { connect?: boolean }) =>
      exitWith(import('./check-config.ts').then(({ checkConfig }) => checkConfig(options, io))),
    );
  program
    .command('create-admin')
    .description('when nobody can sign in: make NAME an admin with a new password, created if need be')
    .argument('<name>', 'the user; the password is asked for, or read from standard input')
    .option('--generate', 'make up the password and print it once')
    .addOption(
      new Option('--keep-password', 'leave the password of a user who is there').conflicts('generate'),
    )
    .action((name: string, options: { generate?: boolean; keepPassword?: boolean }) =>
      exitWith(import('./create-admin.ts').then(({ createAdmin }) => createAdmin(name, options, io))),
    );
  program
    .command('backup')
    .description('copy the store to FILE, also while the gateway runs')
    .argument('<file>', 'the copy; must not exist')
    .action((file: string) => exitWith(import('./backup.ts').then(({ backup }) => backup(file, io))));
  program
    .command('copy-store')
    .description('copy all that is in one store into another, and hold the copy against it')
    .argument('<from>', 'database_uri of the store to copy, or env:NAME for one in a variable')
    .argument('<to>', 'database_uri of a store without users, or env:NAME')
    .action((from: string, to: string) =>
      exitWith(import('./copy-into.ts').then(({ copyInto }) => copyInto(from, to, io))),
    );
  program
    .command('check-ready')
    .description('ask the gateway that runs here with these settings whether it is ready, for health checks')
    .action(() => exitWith(import('./check-ready.ts').then(({ checkReady }) => checkReady(io))));
}

/** Commands about who may do what. */
function addAccessCommands(program: Command, io: Io): void {
  program
    .command('report')
    .description(
      'what enforcement = report let pass, by user and thing, and the grants that would allow it as commands',
    )
    .option('--since <time>', 'how long ago, such as 7d, or a date; all that the audit log keeps otherwise')
    .action((options: { since?: string }) =>
      exitWith(import('./report.ts').then(({ report }) => report(options, io))),
    );
  program
    .command('apply')
    .description('have users, roles and grants be as FILE says (YAML), all at once')
    .argument('<file>', 'see docs/audit.md')
    .option('--dry-run', 'say what would be done, and change nothing')
    .option('--prune', 'take away grants, memberships and roles that the file does not name')
    .action((file: string, options: { dryRun?: boolean; prune?: boolean }) =>
      exitWith(import('./access.ts').then(({ apply }) => apply(file, options, io))),
    );
  program
    .command('export-access')
    .description('print users, roles and grants as a file for apply, without passwords')
    .action(() => exitWith(import('./access.ts').then(({ exportAccess }) => exportAccess(io))));
}
