import type { z } from 'zod';
import type { ReadingStore } from '../../audit/changing.ts';
import { patternProblem } from '../../policy/grantable.ts';
import type { Permission } from '../../policy/permissions.ts';
import type { Reply } from '../../reply.ts';
import { ofExplanations } from '../contract/explanations.ts';
import { text } from '../contract/fields.ts';
import { effectsOf, leftWithout, type Planned } from '../deeds/preview.ts';
import type { Call } from '../handler.ts';
import { changeableRole } from './existing-role.ts';
import { permissionOn, refuse } from './grants.ts';
import { existingUser, filtersOf, integer, queryOf } from './parameters.ts';

const { query: parameters } = ofExplanations['permissions.preview'];
type Change = z.infer<typeof parameters.change>;

/** More are counted, not listed. */
const MOST_SHOWN = 1000;

/** What a change would do, without doing it. A call of its own, so that no gateway takes it for the change. */
export function previewHandlers({
  store,
  defaultPermission,
}: {
  readonly store: Pick<ReadingStore, 'account' | 'users' | 'grants' | 'roles' | 'workspace'>;
  readonly defaultPermission: Permission;
}) {
  return {
    async 'permissions.preview'(call: Call): Promise<Reply> {
      const { change } = filtersOf(call, parameters);
      const planned = await plannedIn(call, change);
      const effects = await effectsOf(store, planned, defaultPermission);
      const left =
        planned.change === 'delete_user' ? await leftWithout(store, planned.username, defaultPermission) : [];
      return {
        body: {
          effects: effects.slice(0, MOST_SHOWN).map(({ username, type, id, before, after }) => ({
            username,
            resource_type: type,
            resource_id: id,
            before: before ?? null,
            after: after ?? null,
          })),
          ...(effects.length > MOST_SHOWN && { effects_left_out: effects.length - MOST_SHOWN }),
          ...(left.length > 0 && { left_without_manager: left.map(targetJson) }),
        },
      };
    },
  };

  async function plannedIn(call: Call, change: Change): Promise<Planned> {
    switch (change) {
      case 'grant':
        return { change, username: await userIn(call), ...granted(call) };
      case 'revoke':
        return { change, username: await userIn(call), on: targetIn(call) };
      case 'grant_role':
        return { change, role: await roleIn(call), ...granted(call) };
      case 'revoke_role':
        return { change, role: await roleIn(call), on: targetIn(call) };
      case 'assign_role':
      case 'unassign_role':
        return { change, username: await userIn(call), role: await roleIn(call) };
      case 'delete_role':
        return { change, role: await roleIn(call) };
      case 'delete_user':
        return { change, username: await userIn(call) };
    }
  }

  async function userIn(call: Call): Promise<string> {
    return (await existingUser(store.users, queryOf(call, { username: text }).username)).username;
  }

  function roleIn(call: Call) {
    return changeableRole(store, integer('role_id', queryOf(call, { role_id: text }).role_id));
  }
}

function targetIn(call: Call) {
  const { resource_type: type, resource_id: id } = queryOf(call, { resource_type: text, resource_id: text });
  refuse(patternProblem(type, id));
  return { type, id };
}

function granted(call: Call) {
  const on = targetIn(call);
  return { on, permission: permissionIn(on.type, queryOf(call, { permission: text }).permission) };
}

/** MLflow's classic API has a refusal that its grants do not. */
const permissionIn = (type: string, name: string): Permission =>
  name === 'NO_PERMISSIONS' ? name : permissionOn(type, name);

/** A thing as clients get it. */
export const targetJson = ({ type, id }: { readonly type: string; readonly id: string }) => ({
  resource_type: type,
  resource_id: id,
});
