import { z } from 'zod';
import { PERMISSIONS } from '../../policy/permissions.ts';
import { moment } from './fields.ts';

/** What several operations answer with. */

export const permission = z.enum(PERMISSIONS);

/** A thing, or with `*` all of its kind. */
export const target = z.strictObject({ resource_type: z.string(), resource_id: z.string() });

/** What everybody may know of a user. */
export const user = z.strictObject({
  id: z.int(),
  username: z.string(),
  is_admin: z.boolean(),
  is_service: z.boolean(),
  is_active: z.boolean(),
});

const held = { permission, user_id: z.int() };

/** What the user and admins may know besides. */
export const userDetail = user.extend({
  must_change_password: z.boolean(),
  created_at: moment,
  created_by: z.string().nullable(),
  experiment_permissions: z.array(z.strictObject({ experiment_id: z.string(), ...held })),
  registered_model_permissions: z.array(z.strictObject({ name: z.string(), ...held })),
  scorer_permissions: z.array(
    z.strictObject({ experiment_id: z.string(), scorer_name: z.string(), ...held }),
  ),
});

export const rolePermission = z.strictObject({
  id: z.int(),
  role_id: z.int(),
  resource_type: z.string(),
  resource_pattern: z.string(),
  permission,
});

export const role = z.strictObject({
  id: z.int().describe("Negative for a user's own grants, which look like a role."),
  name: z.string(),
  workspace: z.string(),
  description: z.string().nullable(),
  provider_group: z
    .strictObject({ issuer: z.string(), name: z.string() })
    .optional()
    .describe('The group of a provider of single sign-on that the role is.'),
  permissions: z.array(rolePermission),
});

export const assignment = z.strictObject({ id: z.int(), user_id: z.int(), role_id: z.int() });

/** What a credential may do at most; null for all that its user may. */
export const scopeAnswer = z
  .strictObject({ access: z.literal('read').optional(), resources: z.array(target).optional() })
  .nullable();

export const session = z.strictObject({
  session_id: z.string(),
  username: z.string(),
  created_at: moment,
  last_used_at: moment,
  expires_at: moment.describe('When it ends at the latest.'),
  ip: z.string().nullable(),
  user_agent: z.string().nullable(),
  is_current: z.boolean().describe('Whether it is the one that asks.'),
});

export const token = z.strictObject({
  token_id: z.string(),
  name: z.string(),
  username: z.string(),
  prefix: z.string(),
  scope: scopeAnswer,
  created_at: moment,
  expires_at: moment.nullable(),
  last_used_at: moment.nullable(),
  created_by: z.string().nullable(),
});
