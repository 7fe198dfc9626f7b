import { hashSync } from 'bcryptjs';
import { matchesHash } from './password-formats.ts';

/** What the worker threads are asked to do. */
export type PasswordTask =
  | { readonly verb: 'hash'; readonly password: string; readonly salt: string }
  | { readonly verb: 'verify'; readonly password: string; readonly hash: string };

/** The work that would hold up every other request if it ran beside them. */
export default function work(task: PasswordTask): string | boolean {
  return task.verb === 'hash' ? hashSync(task.password, task.salt) : matchesHash(task.password, task.hash);
}
