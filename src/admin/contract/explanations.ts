import { z } from 'zod';
import { ACTIONS } from '../../policy/explain.ts';
import { describe, moment, nextPage, paging, text } from './fields.ts';
import { permission, target } from './shapes.ts';

const thing = { resource_type: text, resource_id: text };

const source = z.strictObject({
  source: z.enum(['user', 'role', 'default', 'admin', 'token']),
  name: z.string().nullable(),
  resource_type: z.string().optional(),
  resource_pattern: z.string(),
  permission,
});

const CHANGES = [
  'grant',
  'revoke',
  'grant_role',
  'revoke_role',
  'assign_role',
  'unassign_role',
  'delete_role',
  'delete_user',
] as const;

const instant = z
  .string()
  .regex(/^\d{1,15}$/, 'it must be milliseconds since the epoch')
  .transform(Number)
  .optional();

const refusal = z.strictObject({
  username: z.string(),
  need: target
    .extend({ permission })
    .nullable()
    .describe('What was missing; null where it was nothing that is granted.'),
  because: z.string(),
  requests: z.int(),
  last_at: moment,
  operations: z.array(z.string()),
  advice: z
    .enum(['grant', 'refused', 'none', 'gone'])
    .describe(
      '`grant`: granting `need` would allow it. `refused`: what `refused_by` says refuses it whatever else is granted. `none`: no grant allows it. `gone`: there is no such user any more.',
    ),
  holds: permission.nullable().describe('What the user may do to it now.'),
  replaces: permission.nullable().describe("The user's own grant on it, which is taken away first."),
  refused_by: target
    .extend({ role: z.string().nullable().describe('null for the user.'), permission })
    .nullable(),
});

export const ofExplanations = describe({
  'permissions.explain': {
    does: 'Tells what a user may do to a thing, and why.',
    query: { username: text, ...thing },
    answer: z.strictObject({
      permission,
      actions: z.array(z.enum(ACTIONS)),
      because: z.string(),
      sources: z.array(source),
    }),
  },
  'permissions.holders': {
    does: 'Lists everybody who may do anything to a thing, and why.',
    query: { ...thing, ...paging },
    answer: z.strictObject({
      holders: z.array(
        z.strictObject({
          username: z.string(),
          permission,
          because: z.string(),
          sources: z.array(source).describe('What decides.'),
          own_grant: z
            .strictObject({ resource_type: z.string(), permission })
            .nullable()
            .describe("The user's own grant on just this thing, whether or not it decides."),
        }),
      ),
      ...nextPage,
    }),
  },
  'permissions.reach': {
    does: 'Lists the experiments or registered models that a user may do anything to, with names, and why.',
    query: {
      username: text,
      resource_type: z.enum(['experiment', 'registered_model'], {
        error: "it must be 'experiment' or 'registered_model'",
      }),
      contains: z.string().max(250, 'it must be no longer than 250 characters').optional(),
      ...paging,
    },
    answer: z.strictObject({
      reached: z.array(
        target.extend({
          name: z.string(),
          permission,
          because: z.string(),
          sources: z.array(source).describe('What decides.'),
        }),
      ),
      ...nextPage,
    }),
  },
  'permissions.preview': {
    does: 'Tells what a change would do, without doing it.',
    query: {
      change: z.enum(CHANGES, { error: `it must be one of ${CHANGES.join(', ')}` }),
      username: text.optional(),
      role_id: text.optional(),
      resource_type: text.optional(),
      resource_id: text.optional(),
      permission: text.optional(),
    },
    answer: z.strictObject({
      effects: z.array(
        target.extend({
          username: z.string(),
          before: permission.nullable(),
          after: permission.nullable(),
        }),
      ),
      effects_left_out: z.int().optional(),
      left_without_manager: z.array(target).optional(),
    }),
  },
  'permissions.report': {
    does: 'Lists what was let pass while permissions were only reported and would be refused by what is granted now.',
    query: { username: text.optional(), since: instant, ...paging },
    answer: z.strictObject({
      enforcement: z.enum(['enforce', 'report']),
      refusals: z.array(refusal),
      read_since: moment
        .optional()
        .describe('Where the audit log has more than is read: the moment from which on it was.'),
      ...nextPage,
    }),
  },
});

/** What entries of the audit log are looked for by. */
export const auditFilters = {
  username: text.optional(),
  action: text.optional(),
  resource_type: text.optional(),
  resource_id: text.optional(),
  allowed: z.enum(['true', 'false'], { error: "it must be 'true' or 'false'" }).optional(),
  request_id: text.optional(),
  since: instant,
  until: instant,
};

const MOST_RESULTS = 1000;
const auditPaging = {
  max_results: z
    .string()
    .regex(/^[1-9]\d{0,3}$/, `it must be a number from 1 to ${MOST_RESULTS}`)
    .transform(Number)
    .refine((size) => size <= MOST_RESULTS, `it must be a number from 1 to ${MOST_RESULTS}`)
    .prefault('100'),
  page_token: text.optional(),
};

const entry = z.strictObject({
  entry_id: z.string(),
  at: moment,
  request_id: z.string().nullable(),
  username: z.string().nullable().describe('Of a failed sign-in the name that was tried.'),
  credential: z.strictObject({ kind: z.string(), id: z.string().nullable() }).nullable(),
  ip: z.string().nullable(),
  method: z.string().nullable(),
  path: z.string().nullable(),
  operation: z.string().nullable(),
  action: z.string(),
  resources: z.array(target),
  allowed: z.boolean(),
  enforced: z.boolean(),
  because: z.string(),
  status: z.int().nullable(),
  duration_ms: z.number().nullable(),
  change: z.strictObject({ before: z.unknown(), after: z.unknown() }).optional(),
});

export const ofAudit = describe({
  'audit.search': {
    does: 'Looks for entries of the audit log, newest first.',
    query: { ...auditFilters, ...auditPaging },
    answer: z.strictObject({ entries: z.array(entry), ...nextPage }),
  },
  'audit.export': {
    does: 'Streams entries of the audit log.',
    query: {
      ...auditFilters,
      format: z.enum(['jsonl', 'csv'], { error: "it must be 'jsonl' or 'csv'" }).prefault('jsonl'),
    },
    answer: ['application/jsonl', 'text/csv'],
  },
});
