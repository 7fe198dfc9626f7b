import type { AuditEntry } from '../store/audit/index.ts';
import type { Store } from '../store/index.ts';

/**
 * Transactions that tell which entries they have added to the audit log, once all of one is kept: of one that comes to
 * nothing, none is there.
 */
export function tellingKept(
  atOnce: Store['atOnce'],
  kept: (entries: readonly AuditEntry[]) => void,
): Store['atOnce'] {
  return async (work) => {
    const added: AuditEntry[] = [];
    const done = await atOnce((parts) =>
      work({
        ...parts,
        audit: {
          ...parts.audit,
          async add(entries) {
            await parts.audit.add(entries);
            added.push(...entries);
          },
        },
      }),
    );
    kept(added);
    return done;
  };
}

/** The store, which shows every entry that is added along with a change: those of requests, and what the gateway does by itself. */
export function showingStore(store: Store, show: (entry: AuditEntry) => void): Store {
  return {
    ...store,
    atOnce: tellingKept(store.atOnce, (entries) => entries.forEach(show)),
    within: (workspace) => showingStore(store.within(workspace), show),
  };
}
