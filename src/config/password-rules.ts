import { isCommonPassword } from './common-passwords.ts';
import { KNOWN_PASSWORDS } from './known-passwords.ts';

/** All that bcrypt reads of a password. */
export const BCRYPT_MAX_BYTES = 72;

/** The first rule that a new password breaks: too short, one that is guessed first, or one that bcrypt does not read whole. */
export type PasswordProblem = 'short' | 'known' | 'common' | BcryptProblem;
export type BcryptProblem = 'long' | 'unreadable';

/** @param minLength - the fewest characters (Unicode code points). */
export function passwordProblem(password: string, minLength: number): PasswordProblem | undefined {
  if (KNOWN_PASSWORDS.includes(password)) {
    return 'known';
  }
  if (password === '' || [...password].length < minLength) {
    return 'short';
  }
  if (isCommonPassword(password)) {
    return 'common';
  }
  return bcryptProblem(password);
}

/** bcrypt would take `a…` (73 bytes) for its first 72, and what follows a NUL for a repetition. */
export function bcryptProblem(password: string): BcryptProblem | undefined {
  if (Buffer.byteLength(password) > BCRYPT_MAX_BYTES) {
    return 'long';
  }
  return password.includes('\0') || !password.isWellFormed() ? 'unreadable' : undefined;
}
