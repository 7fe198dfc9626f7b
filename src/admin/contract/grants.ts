import { z } from 'zod';
import { FAMILIES, type FamilyName } from '../api/permission-families.ts';
import { anyText, anything, type Described, describe, done, id, text, unchecked } from './fields.ts';
import { assignment, permission, role, rolePermission } from './shapes.ts';

const onThing = { username: text, resource_type: text, resource_id: text };
const flat = z.strictObject({
  is_admin: z.boolean(),
  permissions: z.array(
    z.strictObject({
      role_id: z.int(),
      role_name: z.string(),
      workspace: z.string(),
      resource_type: z.string(),
      resource_pattern: z.string(),
      permission,
    }),
  ),
});

export const ofGrants = describe({
  'userPermissions.current': { does: 'Lists all that the caller is granted.', answer: flat },
  'userPermissions.list': {
    does: 'Lists all that a user is granted, as far as the caller may know.',
    query: { username: text },
    answer: flat,
  },
  'userPermissions.get': {
    does: 'Tells what a user may do to a thing.',
    query: onThing,
    answer: z.strictObject({ allowed: z.boolean(), permission }),
  },
  'userPermissions.grant': {
    does: 'Grants a user something.',
    body: { ...onThing, permission: text },
    answer: done,
  },
  'userPermissions.revoke': { does: "Takes a user's grant away.", body: onThing, answer: done },
  'userRoles.list': {
    does: 'Lists the roles of a user, as far as the caller may know.',
    query: { username: text },
    answer: z.strictObject({ roles: z.array(role) }),
  },
});

const byRole = { role_id: id };
const byGrant = { role_permission_id: id };
const oneRole = z.strictObject({ role });
const oneGrant = z.strictObject({ role_permission: rolePermission });

export const ofRoles = describe({
  'roles.create': {
    does: 'Makes a role.',
    body: {
      name: anything,
      workspace: anything,
      description: unchecked,
      provider: text
        .nullish()
        .describe('The provider of single sign-on whose group of this name it is to be.'),
    },
    answer: oneRole,
  },
  'roles.get': { does: 'Shows a role.', query: byRole, answer: oneRole },
  'roles.list': {
    does: 'Lists the roles that the caller may know of.',
    query: { workspace: z.string().optional() },
    answer: z.strictObject({ roles: z.array(role) }),
  },
  'roles.update': {
    does: 'Changes the name or the description of a role.',
    body: { ...byRole, name: unchecked, description: unchecked },
    answer: oneRole,
  },
  'roles.delete': { does: 'Deletes a role with all that it grants.', body: byRole, answer: done },
  'rolePermissions.add': {
    does: 'Has a role grant something.',
    body: { ...byRole, resource_type: text, resource_pattern: text, permission: text },
    answer: oneGrant,
  },
  'rolePermissions.remove': { does: 'Has a role grant something no longer.', body: byGrant, answer: done },
  'rolePermissions.list': {
    does: 'Lists what a role grants.',
    query: byRole,
    answer: z.strictObject({ role_permissions: z.array(rolePermission) }),
  },
  'rolePermissions.update': {
    does: 'Changes how much a role grants.',
    body: { ...byGrant, permission: text },
    answer: oneGrant,
  },
  'roles.assign': {
    does: 'Gives a user a role.',
    body: { username: anyText, ...byRole },
    answer: z.strictObject({ assignment }),
  },
  'roles.unassign': {
    does: 'Takes a role from a user.',
    body: { username: anyText, ...byRole },
    answer: done,
  },
  'roles.users': {
    does: 'Lists who has a role.',
    query: byRole,
    answer: z.strictObject({ assignments: z.array(assignment.extend({ username: z.string() })) }),
  },
});

type Verb = 'create' | 'get' | 'update' | 'delete';

/** MLflow's classic permissions API: four operations for each kind. */
export const ofClassicPermissions = Object.fromEntries(
  FAMILIES.flatMap(({ handlers, parameters, envelope, label }) => {
    const named = Object.fromEntries(parameters.map((name) => [name, text]));
    const key = { ...named, username: text };
    const one = z.strictObject({
      [envelope]: z.strictObject({
        ...Object.fromEntries(parameters.map((name) => [name, z.string()])),
        user_id: z.int(),
        permission,
      }),
    });
    const what = `${label.slice(0, 1).toLowerCase()}${label.slice(1)} of a user`;
    const verbs: Readonly<Record<Verb, Described>> = {
      create: { does: `Grants the ${what}.`, body: { ...key, permission: text }, answer: one },
      get: { does: `Shows the ${what}.`, query: key, answer: one },
      update: { does: `Changes the ${what}.`, body: { ...key, permission: text }, answer: done },
      delete: { does: `Takes the ${what} away.`, body: key, answer: done },
    };
    return Object.entries(verbs).map(([verb, described]) => [`${handlers}.${verb}`, described]);
  }),
  // The compiler does not see that each verb of each family is there.
) as Readonly<Record<`${FamilyName}.${Verb}`, Described>>;
