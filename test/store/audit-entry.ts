import { type AuditEntry, firstIdOf } from '../../src/store/audit/index.ts';

let made = 0;

/** An entry of a moment; later calls of one moment come later. */
export function entry(at: number, about: Partial<AuditEntry> = {}): AuditEntry {
  made += 1;
  return {
    id: `${firstIdOf(at)}-7000-8000-${made.toString(16).padStart(12, '0')}`,
    at,
    requestId: null,
    username: 'alice',
    credential: { kind: 'password', id: null },
    ip: '192.0.2.7',
    method: 'POST',
    path: '/api/2.0/mlflow/runs/delete',
    operation: 'POST 2.0 runs/delete',
    action: 'delete',
    resources: [{ type: 'experiment', id: '7' }],
    allowed: true,
    enforced: true,
    because: 'user holds MANAGE',
    status: 200,
    durationMs: 12,
    change: null,
    ...about,
  };
}
