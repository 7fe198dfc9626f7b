import { z } from 'zod';
import { anyText, describe, done, flag, moment, nextPage, paging, text, yesOrNo } from './fields.ts';
import { role, scopeAnswer, target, user, userDetail } from './shapes.ts';

export const ofUsers = describe({
  'users.create': {
    does: 'Makes a user, or with `is_service` a service account, which has no password.',
    body: {
      username: anyText,
      password: anyText.nullish().describe('Left out for a service account.'),
      must_change_password: flag.describe('Whether the password is only good for choosing another.'),
      is_service: flag,
    },
    answer: z.strictObject({ user: userDetail }),
  },
  'users.get': {
    does: 'Shows a user.',
    query: { username: text },
    answer: z.strictObject({
      user: userDetail.extend({
        identities: z
          .array(z.strictObject({ issuer: z.string(), subject: z.string() }))
          .describe('What providers of single sign-on call the user.'),
      }),
    }),
  },
  'users.listWithPermissions': {
    does: 'Lists all users with their own permissions.',
    answer: z.strictObject({ users: z.array(userDetail) }),
  },
  'users.list': {
    does: 'Lists users with the roles that the caller may know of.',
    answer: z.strictObject({ users: z.array(user.extend({ roles: z.array(role) })) }),
  },
  'users.search': {
    does: 'Looks for users by a part of their name, by name, a page at a time.',
    query: { contains: anyText.optional().describe('In whatever case.'), ...paging },
    answer: z.strictObject({ users: z.array(user), ...nextPage }),
  },
  'users.current': {
    does: 'Tells who one is, by which credential, and what that may do at most.',
    answer: z.strictObject({
      user: user.extend({
        must_change_password: z.boolean(),
        has_password: z.boolean().describe('Whether there is one here that is taken.'),
        providers: z
          .array(z.string())
          .describe('What providers of single sign-on by which the user signs in call themselves.'),
      }),
      is_basic_auth: z.boolean(),
      workspace: z
        .string()
        .nullable()
        .describe('Which one the request is about; null where MLflow has none.'),
      credential: z.strictObject({
        kind: z.string(),
        id: z.string().nullable(),
        scope: scopeAnswer,
        expires_at: moment.nullable(),
      }),
    }),
  },
  'users.updatePassword': {
    does: "Changes a password: the caller's own, or as an admin another user's.",
    body: {
      username: text,
      password: anyText,
      current_password: anyText.nullish().describe("For the caller's own."),
      must_change_password: flag.describe("For another user's."),
    },
    answer: done,
  },
  'users.updateStatus': {
    does: 'Disables a user, or enables one again.',
    body: { username: text, is_active: yesOrNo },
    answer: done,
  },
  'users.link': {
    does: 'Says whom a provider of single sign-on means; without a subject, that it means the user no longer.',
    body: {
      username: text,
      provider: text.nullish().describe('Its name in the settings.'),
      issuer: text.nullish().describe('In place of its name.'),
      subject: text.nullable().describe('What the provider calls the user: `sub` of its tokens.'),
    },
    answer: done,
  },
  'users.updateAdmin': {
    does: 'Makes a user an admin, or no longer one.',
    body: { username: text, is_admin: yesOrNo },
    answer: done,
  },
  'users.delete': {
    does: 'Deletes a user with grants and memberships.',
    body: {
      username: text,
      give_to: text.nullish().describe('Who is to manage what nobody else would manage any more.'),
    },
    answer: z.strictObject({
      left_without_manager: z.array(target).optional(),
      given: z.array(target).optional(),
    }),
  },
});
