import type { Kysely, Selectable } from 'kysely';
import type { Engine } from './engine.ts';
import type { Schema } from './schema.ts';
import type { Intent, IntentAction, OpenIntent, Seen } from './types.ts';
import { DEFAULT_WORKSPACE } from './workspace.ts';
import type { Write } from './write.ts';

/**
 * How long an intent counts as waited for after the gateway that opened it has last said so. After a crash it is
 * settled that much later; if a gateway that lives is too slow to say so, the upstream is asked once too often.
 */
export const HOLD_MS = 4_000;

/** What is about to happen upstream, kept until its outcome is known. */
export interface Intents {
  /**
   * Writes an intent down; resolves once it would survive a crash.
   *
   * @param seen - what has the name now, if it was looked for.
   */
  open(action: IntentAction, userId: number, seen?: Seen): Promise<Intent>;
  /** Says that the answers to these are still waited for. */
  hold(ids: readonly number[]): Promise<void>;
  /** Says that the answer to this is no longer waited for. */
  release(id: number): Promise<void>;
  /** Notes what has come to have the name of these, so that it is not taken for their doing. */
  noteSeen(ids: readonly number[], seen: Seen): Promise<void>;
  /** Closes intents that came to nothing, all at once; closing one twice does nothing. */
  close(...ids: readonly number[]): Promise<void>;
  /** The open intents, oldest first. */
  list(): Promise<readonly OpenIntent[]>;
  /** The workspaces that there are any in, whatever the one asked about. */
  workspaces(): Promise<readonly string[]>;
}

/**
 * @param workspace - the one that the names are of. In another than the default one it stands before the kind: gateways
 * that know of one alone, on the same store, cannot ask for such a kind, and settle nothing.
 */
export function createIntents(
  db: Kysely<Schema>,
  write: Write,
  engine: Pick<Engine, 'now'>,
  workspace: string = DEFAULT_WORKSPACE,
): Intents {
  const update = async (
    ids: readonly number[],
    set: (now: number) => { readonly held_until?: number; readonly seen?: number },
  ): Promise<void> => {
    await write((transaction, _announce, now) =>
      transaction.updateTable('intents').set(set(now)).where('id', 'in', ids).execute(),
    );
  };

  return {
    open: (action, userId, seen) =>
      write(async (transaction, _announce, createdAt) => {
        const { id } = await transaction
          .insertInto('intents')
          .values({
            user_id: userId,
            action: action.action,
            kind: kindIn(workspace, action.kind),
            name: action.name,
            new_name: action.action === 'rename' ? action.newName : null,
            created_at: createdAt,
            held_until: createdAt + HOLD_MS,
            seen: seen === undefined ? null : stored(seen),
          })
          .returning('id')
          .executeTakeFirstOrThrow();
        return { ...action, id, userId, createdAt, seen };
      }),

    hold: (ids) => update(ids, (now) => ({ held_until: now + HOLD_MS })),
    release: (id) => update([id], (now) => ({ held_until: now })),
    noteSeen: (ids, seen) => update(ids, () => ({ seen: stored(seen) })),

    async close(...ids) {
      await write((transaction) => transaction.deleteFrom('intents').where('id', 'in', ids).execute());
    },

    async list() {
      const rows = await db
        .selectFrom('intents')
        .selectAll()
        .select(engine.now().as('now'))
        .orderBy('id')
        .execute();
      return rows.flatMap(({ now, ...row }) => {
        const here = split(row.kind);
        return here.workspace === workspace ? [readOpen({ ...row, kind: here.kind }, now)] : [];
      });
    },

    async workspaces() {
      const rows = await db.selectFrom('intents').select('kind').distinct().execute();
      return [...new Set(rows.map(({ kind }) => split(kind).workspace))];
    },
  };
}

const kindIn = (workspace: string, kind: string): string =>
  workspace === DEFAULT_WORKSPACE ? kind : `${workspace}/${kind}`;

function split(stored: string): { readonly workspace: string; readonly kind: string } {
  const slash = stored.indexOf('/');
  return slash === -1
    ? { workspace: DEFAULT_WORKSPACE, kind: stored }
    : { workspace: stored.slice(0, slash), kind: stored.slice(slash + 1) };
}

function readOpen(row: Selectable<Schema['intents']>, now: number): OpenIntent {
  return {
    ...readAction(row),
    id: row.id,
    userId: row.user_id,
    createdAt: row.created_at,
    seen: readSeen(row.seen),
    // One that is further ahead was written before the clock was put back.
    isHeld: row.held_until > now && row.held_until <= now + HOLD_MS,
    heldUntil: row.held_until,
  };
}

const NOTHING = -1;

const stored = (seen: Seen): number => (seen === 'nothing' ? NOTHING : seen);

function readSeen(stored: number | null): Seen | undefined {
  if (stored === null) {
    return undefined;
  }
  return stored === NOTHING ? 'nothing' : stored;
}

function readAction(row: Selectable<Schema['intents']>): IntentAction {
  const { action, kind, name, new_name: newName } = row;
  if (action === 'create' || action === 'delete') {
    return { action, kind, name };
  }
  if (action === 'rename' && newName !== null) {
    return { action, kind, name, newName };
  }
  throw new Error(`Intent ${row.id} in the store cannot be read (action ${action}).`);
}
