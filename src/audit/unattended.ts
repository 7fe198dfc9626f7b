import type { AuditEntry } from '../store/audit/index.ts';
import { timeOrderedId } from '../time-ordered-id.ts';
import type { RecordChange, Told } from './changing.ts';

export interface UnattendedOptions {
  /** What did it, such as `mlflow-auth-gateway create-admin`. */
  readonly operation: string;
  readonly because: string;
  /** Whose doing it is, if it is a user's. */
  readonly username?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** Writes the entries of changes that no request of its own makes: those of a command on the store, or of a start. */
export function recordUnattended(options: UnattendedOptions): RecordChange {
  return (told, audit) => audit.add([unattended(told, options)]);
}

function unattended(
  { action, change, resources = [] }: Told,
  { operation, because, username, clock }: UnattendedOptions,
): AuditEntry {
  const at = clock();
  return {
    id: timeOrderedId(at),
    at,
    requestId: null,
    username: username ?? null,
    credential: null,
    ip: null,
    method: null,
    path: null,
    operation,
    action,
    resources,
    allowed: true,
    enforced: true,
    because,
    status: null,
    durationMs: null,
    change,
  };
}
