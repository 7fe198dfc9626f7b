import { z } from 'zod';
import type { Ceiling } from '../../policy/ceiling.ts';
import { ALL, ROOT_KINDS, type Root, type RootKind } from '../../policy/resources.ts';
import { isNameable } from '../deeds/grants.ts';

/** Most roots in a scope: each is compared with what a request touches. */
const MOST_ROOTS = 100;

/** A workspace holds everything: a scope of one would confine nothing. */
const KINDS: readonly RootKind[] = ROOT_KINDS.filter((kind) => kind !== 'workspace');

const resource = z
  .strictObject(
    {
      resource_type: z.enum(KINDS, { error: `resource_type must be one of ${KINDS.join(', ')}` }),
      resource_id: z.string({ error: 'resource_id must be a string' }),
    },
    { error: 'resources must hold objects of resource_type and resource_id alone' },
  )
  .refine(({ resource_type: kind, resource_id: id }) => id === ALL || isNameable(kind, id), {
    error: 'resource_id must be the id of such a resource, or * for all',
  });

/** The scope of a new token, as a parameter. */
export const scope = z
  .strictObject(
    {
      access: z.literal('read', { error: "access can only be 'read'" }).optional(),
      resources: z
        .array(resource, { error: 'resources must be a list' })
        .min(1, 'resources must not be empty')
        .max(MOST_ROOTS, `resources can be ${MOST_ROOTS} at most`)
        .optional(),
    },
    { error: 'it must be null, or an object of access and resources alone' },
  )
  .refine(({ access, resources }) => access !== undefined || resources !== undefined, {
    error: "it must have 'access', 'resources' or both; null is for all that the user may do",
  })
  .nullish();

/** A scope as it was sent, as the ceiling that the policy applies. */
export function ceilingOf(sent: z.infer<typeof scope>): Ceiling | undefined {
  if (sent === undefined || sent === null) {
    return undefined;
  }
  const { access, resources } = sent;
  return {
    ...(access !== undefined && { access }),
    ...(resources !== undefined && {
      resources: resources.map(({ resource_type: kind, resource_id: id }): Root => ({ kind, id })),
    }),
  };
}
