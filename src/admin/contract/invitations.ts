import { z } from 'zod';
import { anyText, describe, done, flag, id, moment, nextPage, paging, text } from './fields.ts';

const kind = z.enum(['invitation', 'password_reset']);

const invitation = z.strictObject({
  invitation_id: z.string(),
  username: z.string(),
  kind,
  created_at: moment,
  expires_at: moment,
  created_by: z.string(),
});

const shown = z.strictObject({
  invitation,
  link: z.string().describe('Opens the page to choose a password. In no other answer, ever.'),
});

const life = {
  expires_in_seconds: z
    .int({ error: 'it must be a whole number of seconds' })
    .nullish()
    .describe('How long the link counts; as long as `invitation_hours` allows if left out.'),
};

/** Longer than every secret. */
const LONGEST_SECRET = 200;
const secret = text.max(LONGEST_SECRET, 'it is too long').describe('What stands behind `#` in the link.');

export const ofInvitations = describe({
  'invitations.create': {
    does: 'Makes a user without a password, and a link by which they choose one, once.',
    body: {
      username: anyText,
      is_admin: flag,
      role_ids: z
        .array(id, { error: 'it must be a list of ids of roles' })
        .nullish()
        .describe('The roles that they are to have.'),
      ...life,
    },
    answer: shown,
  },
  'invitations.resetPassword': {
    does: 'Makes a link by which a user chooses another password, once. The password so far goes on to count until then.',
    body: { username: text, ...life },
    answer: shown,
  },
  'invitations.list': {
    does: 'Lists the links that are open.',
    query: { username: text.nullish(), ...paging },
    answer: z.strictObject({ invitations: z.array(invitation), ...nextPage }),
  },
  'invitations.delete': {
    does: 'Revokes a link. A user who was invited stays, without a password.',
    body: { invitation_id: text },
    answer: done,
  },
  'invitations.show': {
    does: 'Tells whose link it is, to who has it.',
    body: { secret },
    answer: z.strictObject({ username: z.string(), kind, expires_at: moment }),
  },
  'invitations.accept': {
    does: 'Sets the password that a link is for, which ends the link, and signs in: the answer has the cookie of a session.',
    body: { secret, password: anyText },
    answer: z.strictObject({ username: z.string() }),
  },
});
