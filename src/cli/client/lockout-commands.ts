import { unusable } from '../failure.ts';
import type { Command } from './command.ts';
import { many, textOr, time } from './shows.ts';

/** Commands about users and addresses that are locked out for too many failed sign-ins. */
export const LOCKOUT_COMMANDS: readonly Command[] = [
  {
    name: 'list-lockouts',
    group: 'Sign-in',
    does: 'list who is locked out for too many wrong passwords',
    takes: [],
    call: { method: 'GET', path: '2.0 users/lockouts/list' },
    shows: {
      ...many('lockouts', [
        ['NAME', textOr('username', 'anybody')],
        ['ADDRESS', textOr('ip', 'anywhere')],
        ['FAILURES', 'failures'],
        ['UNTIL', time('until')],
      ]),
      whyEmpty: () => 'Nobody is locked out.',
    },
    examples: ['list-lockouts'],
  },
  {
    name: 'clear-lockout',
    group: 'Sign-in',
    does: 'let a user, or an address, sign in again',
    takes: [],
    flags: [
      { field: 'user', usage: 'NAME', does: 'the user, wherever from', reads: 'text' },
      { field: 'ip', usage: 'ADDRESS', does: 'the address, no matter who from there', reads: 'text' },
    ],
    before: async ({ user, ip }) => {
      if (user === undefined && ip === undefined) {
        throw unusable('Say who is to be let in: --user NAME, --ip ADDRESS, or both.');
      }
      return { ...(user !== undefined && { username: user }), ...(ip !== undefined && { ip }) };
    },
    call: { method: 'DELETE', path: '2.0 users/lockouts/delete' },
    done: 'Cleared.',
    examples: ['clear-lockout --user alice', 'clear-lockout --ip 192.0.2.1'],
  },
];
