/** What a change made of what was there. Without secrets; `null` for what was not there, or is not any more. */
export interface AuditChange {
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}

/** One thing that was done, tried or refused. Names are those of that moment. */
export interface AuditEntry {
  /** In the order of time, and no other's in any process. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly requestId: string | null;
  /** Of a failed sign-in the name that was tried. */
  readonly username: string | null;
  readonly credential: { readonly kind: string; readonly id: string | null } | null;
  readonly ip: string | null;
  readonly method: string | null;
  readonly path: string | null;
  readonly operation: string | null;
  readonly action: string;
  readonly resources: readonly { readonly type: string; readonly id: string }[];
  readonly allowed: boolean;
  readonly enforced: boolean;
  readonly because: string;
  readonly status: number | null;
  readonly durationMs: number | null;
  readonly change: AuditChange | null;
}

/** What entries are looked for by; what is left out counts for any. */
export interface AuditFilter {
  readonly username?: string | undefined;
  readonly action?: string | undefined;
  readonly resourceType?: string | undefined;
  readonly resourceId?: string | undefined;
  readonly allowed?: boolean | undefined;
  readonly requestId?: string | undefined;
  /** Milliseconds since the epoch, both inclusive. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/**
 * The lowest id that an entry of a moment can have.
 *
 * @see RFC 9562, section 5.7: a UUID of version 7 begins with the milliseconds since the epoch.
 */
export function firstIdOf(at: number): string {
  const hexadecimal = Math.max(0, at).toString(16).padStart(12, '0');
  return `${hexadecimal.slice(0, 8)}-${hexadecimal.slice(8, 12)}`;
}

/** When the entry of an id was made, in milliseconds since the epoch. */
export function momentOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
