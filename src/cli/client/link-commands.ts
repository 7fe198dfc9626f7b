import { type Argument, USERNAME } from './arguments.ts';
import type { Command } from './command.ts';

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
