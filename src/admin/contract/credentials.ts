import { z } from 'zod';
import { scope } from '../api/token-scope.ts';
import { describe, done, moment, nextPage, paging, text } from './fields.ts';
import { session, token } from './shapes.ts';

const shown = z.strictObject({ token, secret: z.string().describe('In no other answer, ever.') });

export const ofCredentials = describe({
  'tokens.create': {
    does: 'Makes a token.',
    body: {
      name: text,
      username: text.nullish().describe('Whose it is to be; the caller if left out.'),
      expires_in_seconds: z
        .int({ error: 'it must be a whole number of seconds' })
        .nullish()
        .describe('0 for ever, where the settings allow it.'),
      scope,
    },
    answer: shown,
  },
  'tokens.list': {
    does: "Lists the caller's tokens, or as an admin a user's or everybody's.",
    query: { username: text.nullish(), ...paging },
    answer: z.strictObject({ tokens: z.array(token), ...nextPage }),
  },
  'tokens.rotate': {
    does: 'Gives a token a new secret; the old one ends at once.',
    body: { token_id: text },
    answer: shown,
  },
  'tokens.redeem': {
    does: 'Gives a program the token that a user has allowed it on the page `/auth/login`.',
    body: {
      code: text.describe('What the page has sent or shown; it counts once, for two minutes.'),
      code_verifier: text.describe('Whose SHA-256 the page was told as `code_challenge`.'),
      redirect_uri: text.nullish().describe('As the page was told it; left out for a code that was copied.'),
    },
    answer: shown,
  },
  'tokens.delete': { does: 'Deletes a token.', body: { token_id: text }, answer: done },
  'signIns.list': {
    does: "Lists when and from where somebody signed in, or tried to, by the caller's name, or as an admin by a user's, newest first.",
    query: { username: text.nullish().describe('The caller if left out.'), ...paging },
    answer: z.strictObject({
      sign_ins: z.array(
        z.strictObject({
          at: moment,
          ip: z.string().nullable(),
          credential: z.string().nullable().describe('What it was by; null where it failed.'),
          outcome: z.enum(['signed_in', 'refused', 'locked_out']),
        }),
      ),
      ...nextPage,
    }),
  },
  'sessions.list': {
    does: 'Lists the browsers that the caller is signed in with, or as an admin a user or everybody.',
    query: { username: text.nullish(), ...paging },
    answer: z.strictObject({ sessions: z.array(session), ...nextPage }),
  },
  'sessions.delete': { does: 'Ends a session.', body: { session_id: text }, answer: done },
  'lockouts.list': {
    does: 'Lists who is locked out for too many failed sign-ins.',
    query: paging,
    answer: z.strictObject({
      lockouts: z.array(
        z.strictObject({
          username: z.string().nullable().describe('null for any.'),
          ip: z.string().nullable().describe('null for any.'),
          failures: z.int(),
          until: moment,
        }),
      ),
      ...nextPage,
    }),
  },
  'lockouts.delete': {
    does: 'Lets a name or an address sign in again.',
    body: { username: text.nullish(), ip: text.nullish() },
    answer: done,
  },
});
