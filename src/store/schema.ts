import type { ColumnType } from 'kysely';
import type { InvitationKind } from './types.ts';

/** Written once, when the row is made. */
type Fixed<T> = ColumnType<T, T, never>;
/** An id the database gives out and never gives out again. */
export type Id = ColumnType<number, never, never>;

/** The tables, as queries see them. Booleans are 0 or 1 and times are milliseconds since the epoch. */
export interface Schema {
  users: {
    id: Id;
    username: Fixed<string>;
    username_key: Fixed<string>;
    password_hash: string;
    is_admin: number;
    is_active: ColumnType<number, number | undefined, number>;
    is_service: ColumnType<number, number | undefined, never>;
    must_change_password: ColumnType<number, number | undefined, number>;
    created_at: Fixed<number>;
    created_by: ColumnType<string | null, string | null | undefined, never>;
  };
  roles: {
    id: Id;
    name: string;
    workspace: Fixed<string>;
    description: string | null;
    /** The provider whose group it is; null for a role that was made here. */
    issuer: ColumnType<string | null, string | undefined, never>;
    group_name: ColumnType<string | null, string | undefined, never>;
  };
  role_members: {
    id: Id;
    user_id: Fixed<number>;
    role_id: Fixed<number>;
    /** The provider that says so; null for a membership given by hand. */
    issuer: ColumnType<string | null, string | undefined, never>;
    /** Until when it holds, by the store's clock; null for as long as nothing else is said. */
    until: ColumnType<number | null, number | null | undefined, number | null>;
  };
  /** What a provider calls a user: its subject. */
  identities: {
    issuer: Fixed<string>;
    subject: Fixed<string>;
    user_id: number;
    /** Whether the user was made for it. */
    brought: Fixed<number>;
    /** When the provider said last what groups the user is in, by its clock. */
    as_of: number;
    created_at: Fixed<number>;
  };
  grants: {
    id: Id;
    user_id: ColumnType<number | null, number | undefined, never>;
    role_id: ColumnType<number | null, number | undefined, never>;
    resource_type: Fixed<string>;
    resource_pattern: string;
    permission: string;
    created_at: number;
  };
  intents: {
    id: Id;
    user_id: Fixed<number>;
    action: Fixed<string>;
    kind: Fixed<string>;
    name: Fixed<string>;
    new_name: Fixed<string | null>;
    created_at: Fixed<number>;
    held_until: number;
    /** When what had the name came into being, by MLflow's clock; -1 if nothing had it, null if nobody looked. */
    seen: number | null;
  };
  owners: {
    kind: Fixed<string>;
    id: Fixed<string>;
    user_id: number;
    experiment_id: string | null;
  };
  experiments: {
    experiment_id: Fixed<number>;
    /** When the experiment that has the id was made, by MLflow's clock; null if MLflow has not told it yet. */
    made_at: number | null;
    /** When that was found out, by the store's clock. */
    noted_at: number;
  };
  /** Grants on an experiment whose id another has now, or none. They come back with it, from a backup of MLflow's. */
  former_grants: {
    experiment_id: Fixed<number>;
    /** -1 if MLflow has never told it. */
    made_at: Fixed<number>;
    user_id: Fixed<number | null>;
    role_id: Fixed<number | null>;
    resource_type: Fixed<string>;
    resource_pattern: Fixed<string>;
    permission: Fixed<string>;
    created_at: Fixed<number>;
  };
  keys: {
    name: Fixed<string>;
    /** Base64. */
    value: Fixed<string>;
  };
  throttles: {
    /** Empty for any. */
    username: string;
    /** Empty for any. */
    ip: string;
    failures: number;
    until: number;
  };
  tokens: {
    id: Fixed<string>;
    user_id: Fixed<number>;
    name: Fixed<string>;
    hash: string;
    prefix: string;
    /** JSON; null for all that its user may do. */
    scope: Fixed<string | null>;
    created_at: number;
    expires_at: number | null;
    last_used_at: ColumnType<number | null, number | undefined, number | null>;
    created_by: Fixed<string | null>;
  };
  sessions: {
    id: Fixed<string>;
    user_id: Fixed<number>;
    hash: Fixed<string>;
    created_at: Fixed<number>;
    last_used_at: number;
    expires_at: Fixed<number>;
    ip: Fixed<string | null>;
    user_agent: Fixed<string | null>;
  };
  /** Links by which users choose a password. */
  invitations: {
    id: Fixed<string>;
    user_id: Fixed<number>;
    hash: Fixed<string>;
    kind: Fixed<InvitationKind>;
    created_at: Fixed<number>;
    expires_at: Fixed<number>;
    created_by: Fixed<string>;
  };
  /** Sessions that began at a provider of single sign-on. */
  provider_sessions: {
    session_id: Fixed<string>;
    issuer: Fixed<string>;
    subject: Fixed<string>;
    sid: Fixed<string | null>;
    /** Sealed. */
    refresh_token: string | null;
    /** Sealed. */
    id_token: string | null;
    check_at: number;
    held_until: number;
  };
  /** Sign-ins at a provider that have come back, for as long as they could once more. */
  used_sign_ins: {
    key: Fixed<string>;
    until: Fixed<number>;
  };
  /** What users ask whoever manages it for. */
  access_requests: {
    id: Id;
    user_id: Fixed<number>;
    workspace: Fixed<string>;
    resource_type: Fixed<string>;
    /** What was asked for, in the words of who asked. */
    asked_for: Fixed<string>;
    /** What that is called now; null if it is gone, or another has its name. */
    resource_id: string | null;
    permission: Fixed<string>;
    message: Fixed<string>;
    created_at: Fixed<number>;
    /** `open`, `granted` or `declined`. */
    state: string;
    granted: ColumnType<string | null, string | undefined, string | null>;
    answer: ColumnType<string | null, string | undefined, string | null>;
    answered_at: ColumnType<number | null, number | undefined, number>;
    /** A name. */
    answered_by: ColumnType<string | null, string | undefined, string>;
  };
  changes: {
    id: Id;
    user_id: Fixed<number | null>;
    at: Fixed<number>;
  };
  /** Entries of the audit log, many of about one time together. */
  audit_segments: {
    id: Fixed<string>;
    /** JSON Lines. */
    entries: Fixed<string>;
  };
  /** Which entries of a segment have what entries are looked for by. */
  audit_terms: {
    term: Fixed<string>;
    segment_id: Fixed<string>;
    first_id: Fixed<string>;
    /** Hexadecimal, a bit for each entry. */
    positions: Fixed<string>;
  };
}
