import type { AuditEntry } from '../store/audit/index.ts';
import type { Store } from '../store/index.ts';

/**
 * The store, which shows every entry that is added to its audit log along with a change, once both are kept: those of
 * requests, and those of what the gateway does by itself.
 */
export function showingStore(store: Store, show: (entry: AuditEntry) => void): Store {
  return {
    ...store,
    async atOnce(work) {
      const added: AuditEntry[] = [];
      const done = await store.atOnce((parts) =>
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
      added.forEach(show);
      return done;
    },
    within: (workspace) => showingStore(store.within(workspace), show),
  };
}
