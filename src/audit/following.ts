import type { Experiments, HeldGrant } from '../store/experiments.ts';
import type { Grants } from '../store/grants.ts';
import type { Store, StoreParts } from '../store/index.ts';
import { typesSharingNamesWith } from '../store/namespaces.ts';
import type { Told } from './changing.ts';
import { recordUnattended } from './unattended.ts';

type Follows = Pick<Grants, 'adopt' | 'rename' | 'forget'>;

/**
 * The store as what follows creates, renames and deletes uses it: each grant that a user gains or loses by one has
 * an entry in the audit log, written in the same transaction. So has each that another experiment's id takes or gives back.
 */
export function followingStore(store: Store, clock: () => number): Store {
  async function follow<T>(
    action: string,
    { kind, names, intentId }: { kind: string; names: readonly string[]; intentId: number | undefined },
    work: (grants: Grants) => Promise<T>,
  ): Promise<T> {
    const intents = intentId === undefined ? [] : await store.intents.list();
    const userId = intents.find(({ id }) => id === intentId)?.userId;
    return store.atOnce(async (parts) => {
      const before = await heldOn(parts, kind, names);
      const done = await work(parts.grants);
      const after = await heldOn(parts, kind, names);
      if (JSON.stringify(before) !== JSON.stringify(after)) {
        const user = userId === undefined ? undefined : await parts.users.getById(userId);
        const record = recordUnattended({
          operation: `grants follow a ${action}`,
          because: `what MLflow did to ${kind.replaceAll('_', ' ')} ${names.join(' and ')}`,
          username: user?.username,
          clock,
        });
        await record(told(action, kind, names, before, after), parts.audit);
      }
      return done;
    });
  }

  const follows: Follows = {
    adopt: (adoption) =>
      follow('create', { kind: adoption.kind, names: [adoption.id], intentId: adoption.intentId }, (grants) =>
        grants.adopt(adoption),
      ),
    rename: (renaming) =>
      follow(
        'rename',
        { kind: renaming.kind, names: [renaming.from, renaming.to], intentId: renaming.intentId },
        (grants) => grants.rename(renaming),
      ),
    forget: (forgetting) =>
      follow(
        'delete',
        { kind: forgetting.kind, names: [forgetting.id], intentId: forgetting.intentId },
        (grants) => grants.forget(forgetting),
      ),
  };
  return {
    ...store,
    grants: { ...store.grants, ...follows },
    experiments: { ...store.experiments, note: noting(store, clock) },
  };
}

/** Notes which experiments there are, with an entry for each id whose grants go or come back. */
function noting(store: Store, clock: () => number): Experiments['note'] {
  return (sighting) =>
    store.atOnce(async ({ experiments, audit }) => {
      const reassigned = await experiments.note(sighting);
      for (const { id, before, after } of reassigned.filter(
        ({ before, after }) => before.length + after.length > 0,
      )) {
        const record = recordUnattended({
          operation: 'grants follow an id of MLflow',
          because: `another experiment has the id ${id} now, or none`,
          clock,
        });
        const change = { before: grantsOf(before.map(toldOf)), after: grantsOf(after.map(toldOf)) };
        const resources = [{ type: 'experiment', id: String(id) }];
        await record({ action: 'move_grants', change, resources }, audit);
      }
      return reassigned;
    });
}

const toldOf = ({ holder, type, pattern, permission }: HeldGrant) => ({
  ...holder,
  resource_type: type,
  resource_id: pattern,
  permission,
});

/** Who was granted what on some names. */
async function heldOn(
  { grants }: StoreParts,
  kind: string,
  names: readonly string[],
): Promise<readonly Record<string, unknown>[]> {
  const held: Record<string, unknown>[] = [];
  for (const name of names) {
    for (const type of typesSharingNamesWith(kind)) {
      for (const { holder, permission } of await grants.forResource(type, name)) {
        const who = holder.kind === 'user' ? { username: holder.username } : { role: holder.name };
        held.push({ ...who, resource_type: type, resource_id: name, permission });
      }
    }
  }
  return held;
}

const ACTIONS: Readonly<Record<string, string>> = {
  create: 'grant',
  rename: 'move_grants',
  delete: 'revoke',
};

const grantsOf = (held: readonly Record<string, unknown>[]) => (held.length === 0 ? null : { grants: held });

function told(
  action: string,
  kind: string,
  names: readonly string[],
  before: readonly Record<string, unknown>[],
  after: readonly Record<string, unknown>[],
): Told {
  return {
    action: ACTIONS[action] ?? action,
    change: { before: grantsOf(before), after: grantsOf(after) },
    resources: names.map((id) => ({ type: kind, id })),
  };
}
