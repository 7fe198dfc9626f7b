import { type Argument, USERNAME } from './arguments.ts';
import type { Command } from './command.ts';
import { objectsIn } from './json.ts';
import { many, textOr } from './shows.ts';

const PROVIDER: Argument = {
  field: 'provider',
  usage: 'PROVIDER',
  does: 'the name of the provider in the settings of the gateway',
  reads: 'text',
};
const SUBJECT: Argument = {
  field: 'subject',
  usage: 'SUBJECT',
  does: 'what the provider calls the user, as a refusal tells them',
  reads: 'text',
};

/** Commands about single sign-on. */
export const LINK_COMMANDS: readonly Command[] = [
  {
    name: 'list-providers',
    group: 'Sign-in',
    does: 'list the providers of single sign-on as they are set, and how many users come from each',
    more: 'Only admins may. Secrets are not shown.',
    takes: [],
    call: { method: 'GET', path: '2.0 providers/list' },
    shows: {
      ...many('providers', [
        ['NAME', 'name'],
        ['DISPLAYED AS', 'display_name'],
        ['ISSUER', 'issuer'],
        ['REDIRECT URI', textOr('redirect_uri', '')],
        ['USERS', 'users'],
      ]),
      whyEmpty: () => 'No provider of single sign-on is set.',
    },
    examples: ['list-providers'],
  },
  {
    name: 'check-provider',
    group: 'Sign-in',
    does: 'ask a provider of single sign-on what a sign-in will ask it',
    more: 'Only admins may.',
    takes: [PROVIDER],
    call: { method: 'GET', path: '2.0 providers/check' },
    shows: {
      list: false,
      pick: (reply) => objectsIn([reply]),
      columns: [
        ['READY', 'ready'],
        ['FOUND', 'found'],
      ],
    },
    examples: ['check-provider keycloak'],
  },
  {
    name: 'link-user',
    group: 'Sign-in',
    does: 'have a user sign in by a provider of single sign-on',
    takes: [USERNAME, PROVIDER, SUBJECT],
    call: { method: 'PATCH', path: '2.0 users/link' },
    done: '{username} signs in by {provider} from now on.',
    examples: ['link-user alice keycloak 0c5a7f0e-6c3f-4c5e-9a57-2f4a1f7f3a44'],
  },
  {
    name: 'unlink-user',
    group: 'Sign-in',
    does: 'have a user sign in by a provider of single sign-on no longer',
    takes: [USERNAME, PROVIDER],
    call: ({ username = '', provider = '' }) => ({
      call: { method: 'PATCH', path: '2.0 users/link' },
      input: { username, provider, subject: null },
      shows: undefined,
    }),
    done: '{username} signs in by {provider} no longer.',
    examples: ['unlink-user alice keycloak'],
  },
];
