import { printable } from './printable.ts';

/** Credentials that were made up, to be shown once. */
export interface NewPassword {
  readonly username: string;
  readonly password: string;
}

/** Credentials as the terminal shows them, never the log: the only time the password is readable. */
export function showOnce({ username, password }: NewPassword): string {
  return `This password is shown once:\n\n  user      ${printable(username)}\n  password  ${password}\n`;
}
