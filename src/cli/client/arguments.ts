import { CLASSIC_PERMISSIONS, GRANT_PERMISSIONS } from '../../policy/permissions.ts';
import { unusable } from '../failure.ts';

/**
 * One value of a command. `field` is its name in the request, which is also the name that it had as a
 * parameter of MLflow's Python client and so the flag by which Python Fire took it (`--experiment_id 1`).
 */
export interface Argument {
  readonly field: string;
  /** As help shows it. */
  readonly usage: string;
  readonly does: string;
  readonly reads: keyof typeof READERS | 'role' | 'password';
  /** The words that it takes, in any letter case, if it takes only some. */
  readonly choices?: readonly string[];
}

/** How the text of an argument becomes the value that is sent. */
const READERS = {
  text: (text: string) => text,
  flag: () => true,
  boolean: (text: string, argument: Argument) => oneOf(['True', 'False'], text, argument) === 'True',
  choice: (text: string, argument: Argument) => oneOf(argument.choices ?? [], text, argument),
  type: (text: string) => underscored(text).toLowerCase(),
} as const;

/** Reads one argument; `role` and `password` need the server or the terminal and stay text here. */
export function readArgument(argument: Argument, text: string): string | boolean {
  return argument.reads === 'role' || argument.reads === 'password'
    ? text
    : READERS[argument.reads](text, argument);
}

function oneOf(choices: readonly string[], text: string, { usage, field }: Argument): string {
  const choice = choices.find((each) => each.toLowerCase() === underscored(text).toLowerCase());
  if (choice === undefined) {
    const name = usage.includes('|') ? field : usage;
    throw unusable(`${name} is one of ${choices.join(', ')}, not ${JSON.stringify(text)}.`);
  }
  return choice;
}

const underscored = (text: string) => text.replaceAll('-', '_');

const argument = (field: string, usage: string, does: string, reads: Argument['reads'] = 'text') =>
  ({ field, usage, does, reads }) satisfies Argument;

const permission = (choices: readonly string[]): Argument => ({
  ...argument('permission', 'PERMISSION', `one of ${choices.join(', ')}`, 'choice'),
  choices,
});

/** Of commands that can say beforehand what they would do. */
export const DRY_RUN = argument('dry_run', '', 'say who would gain or lose what, and change nothing', 'flag');
export const USERNAME = argument('username', 'NAME', 'the user');
export const PASSWORD = argument(
  'password',
  'PASSWORD',
  'better left out: it is then asked for, or read from standard input, as it is for -',
  'password',
);
export const IS_ADMIN = argument('is_admin', 'True|False', 'whether the user is an admin', 'boolean');
export const IS_ACTIVE = argument('is_active', 'True|False', 'whether the user may sign in', 'boolean');
export const MUST_CHANGE = argument(
  'must_change_password',
  'True|False',
  'whether the user has to choose another before anything else',
  'boolean',
);
export const EXPERIMENT_ID = argument('experiment_id', 'EXPERIMENT_ID', 'the id of the experiment');
export const MODEL_NAME = argument('name', 'MODEL_NAME', 'the name of the registered model');
/** What MLflow's classic API takes. */
export const CLASSIC_PERMISSION = permission(CLASSIC_PERMISSIONS);
/** What MLflow 3's API takes. */
export const PERMISSION = permission(GRANT_PERMISSIONS);
export const ROLE = argument('role_id', 'ROLE', 'the role, by name or id', 'role');
export const ROLE_NAME = argument('name', 'ROLE', 'the name of the role');
export const RESOURCE_TYPE = argument(
  'resource_type',
  'TYPE',
  'experiment, registered_model, prompt, scorer, gateway_endpoint, …',
  'type',
);
export const RESOURCE_ID = argument('resource_id', 'ID', 'the id or name of the resource, * for all');
export const RESOURCE_PATTERN = argument(
  'resource_pattern',
  'PATTERN',
  'the id or name of the resource, * for all',
);
