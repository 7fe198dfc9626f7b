import { z } from 'zod';
import { describe, text } from './fields.ts';

export const ofProviders = describe({
  'providers.list': {
    does: 'Lists the providers of single sign-on as they are set, without secrets, and how many users come from each.',
    answer: z.strictObject({
      providers: z.array(
        z.strictObject({
          name: z.string(),
          display_name: z.string().describe('What its button says.'),
          issuer: z.string(),
          redirect_uri: z
            .string()
            .nullable()
            .describe('What to register there; null where no browser comes.'),
          client_id: z.string().nullable(),
          proves_itself_by: z.enum(['secret', 'key', 'nothing']),
          scopes: z.string(),
          audience: z.array(z.string()).describe('Whose access tokens are taken; none where it is empty.'),
          username_claim: z.string(),
          groups_claim: z.string(),
          allowed_groups: z
            .array(z.string())
            .nullable()
            .describe('Null where everybody of the provider may sign in.'),
          admin_group: z.string().nullable(),
          create_users: z.boolean(),
          service_accounts: z.array(z.string()),
          users: z.int().describe('Users that it has brought, or that are linked to it.'),
        }),
      ),
      others: z
        .array(z.strictObject({ issuer: z.string(), users: z.int() }))
        .describe('Issuers that users came from and that are set no more.'),
    }),
  },
  'providers.check': {
    does: 'Asks a provider of single sign-on what a sign-in will ask it.',
    query: { provider: text },
    answer: z.strictObject({
      ready: z.boolean(),
      found: z.string().describe('In words; what is wrong where it is not ready.'),
    }),
  },
});
