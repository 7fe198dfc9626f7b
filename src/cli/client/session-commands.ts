import type { Command } from './command.ts';
import { many, textOr, time } from './shows.ts';

const GROUP = 'Sign-in';

/** Commands about sign-ins, and browsers in which users have signed in. */
export const SESSION_COMMANDS: readonly Command[] = [
  {
    name: 'list-sign-ins',
    group: GROUP,
    does: 'list when and from where somebody signed in, or tried to, by your name, or as an admin by a user’s',
    takes: [],
    flags: [{ field: 'user', usage: 'NAME', does: 'whose', reads: 'text' }],
    before: async ({ user }) => (user === undefined ? {} : { username: user }),
    call: { method: 'GET', path: '2.0 users/sign-ins/list' },
    shows: {
      ...many('sign_ins', [
        ['WHEN', time('at')],
        ['OUTCOME', 'outcome'],
        ['ADDRESS', textOr('ip', '')],
        ['BY', textOr('credential', '')],
      ]),
      whyEmpty: () => 'Nobody has signed in by this name lately.',
    },
    examples: ['list-sign-ins', 'list-sign-ins --user alice'],
  },
  {
    name: 'list-sessions',
    group: GROUP,
    does: 'list the browsers you are signed in with, or as an admin those of a user or of all',
    takes: [],
    flags: [{ field: 'user', usage: 'NAME', does: 'whose', reads: 'text' }],
    before: async ({ user }) => (user === undefined ? {} : { username: user }),
    call: { method: 'GET', path: '2.0 users/sessions/list' },
    shows: {
      ...many('sessions', [
        ['SESSION_ID', 'session_id'],
        ['USER', 'username'],
        ['ADDRESS', textOr('ip', '')],
        ['BEGUN', time('created_at')],
        ['LAST USED', time('last_used_at')],
        ['ENDS', time('expires_at')],
        ['BROWSER', textOr('user_agent', '')],
      ]),
      whyEmpty: () => 'There are no sessions: nobody is signed in with a browser.',
    },
    examples: ['list-sessions', 'list-sessions --user alice'],
  },
  {
    name: 'delete-session',
    group: GROUP,
    does: 'sign a browser out',
    takes: [
      { field: 'session_id', usage: 'SESSION_ID', does: 'the session, see list-sessions', reads: 'text' },
    ],
    call: { method: 'DELETE', path: '2.0 users/sessions/delete' },
    done: 'Ended session {session_id}.',
    examples: ['delete-session 019b0c4e-7a10-7c2e-9d8e-5f6b1c2d3e4f'],
  },
];
