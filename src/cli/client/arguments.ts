import { permissionNamed } from '../../policy/grantable.ts';
import { PERMISSIONS } from '../../policy/permissions.ts';
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
}

/** How the text of an argument becomes the value that is sent. */
const READERS = {
  text: (text: string) => text,
  boolean: readBoolean,
  permission: readTypedPermission,
  type: (text: string) => text.toLowerCase().replaceAll('-', '_'),
} as const;

/** Reads one argument; `role` and `password` need the server or the terminal and stay text here. */
export function readArgument(argument: Argument, text: string): string | boolean {
  return argument.reads === 'role' || argument.reads === 'password' ? text : READERS[argument.reads](text);
}

function readBoolean(text: string): boolean {
  const value = { true: true, false: false }[text.toLowerCase()];
  if (value === undefined) {
    throw unusable(`Write True or False, not ${JSON.stringify(text)}.`);
  }
  return value;
}

function readTypedPermission(text: string): string {
  const permission = permissionNamed(text.toUpperCase().replaceAll('-', '_'));
  if (permission === undefined) {
    throw unusable(`No permission is called ${JSON.stringify(text)}; there are ${PERMISSIONS.join(', ')}.`);
  }
  return permission;
}

const argument = (field: string, usage: string, does: string, reads: Argument['reads'] = 'text') =>
  ({ field, usage, does, reads }) satisfies Argument;

export const USERNAME = argument('username', 'NAME', 'the user');
export const PASSWORD = argument(
  'password',
  'PASSWORD',
  'better left out: it is then asked for, or read from standard input, as it is for -',
  'password',
);
export const IS_ADMIN = argument('is_admin', 'True|False', 'whether the user is an admin', 'boolean');
export const EXPERIMENT_ID = argument('experiment_id', 'EXPERIMENT_ID', 'the id of the experiment');
export const MODEL_NAME = argument('name', 'MODEL_NAME', 'the name of the registered model');
export const PERMISSION = argument(
  'permission',
  'PERMISSION',
  `one of ${PERMISSIONS.join(', ')}`,
  'permission',
);
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
