import { z } from 'zod';
import { describe, done, id, text } from './fields.ts';

const onThing = { role_id: id, resource_type: text, resource_id: text };

/** Sharing one thing with a role, without administering roles. */
export const ofRoleGrants = describe({
  'roleGrants.grant': {
    does: 'Grants a role that the caller has something on one thing that the caller manages; changes what it was granted there.',
    body: {
      ...onThing,
      permission: z.enum(['READ', 'USE', 'EDIT', 'MANAGE'], {
        error: 'it must be one of READ, USE, EDIT, MANAGE',
      }),
    },
    answer: done,
  },
  'roleGrants.revoke': {
    does: 'Takes away what a role that the caller has was granted on one thing that the caller manages.',
    body: onThing,
    answer: done,
  },
});
