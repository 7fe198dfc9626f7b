import { dictionary } from '@zxcvbn-ts/language-common';

/** The commonest passwords, of leaks, in lower case: those that are guessed first. */
const COMMON: ReadonlySet<string> = new Set(dictionary['passwords-common']);

/** Whether a password is among the commonest 49,000, in whatever letter case. */
export function isCommonPassword(password: string): boolean {
  return COMMON.has(password.toLowerCase());
}
